"""From named tensors to the arrays of a tensor signature, or to whatever a preprocessor without one is given."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from twinpin.pair.signature import Spec
from twinpin.preprocess.routes import listed
from twinpin.preprocess.table import Given, Table
from twinpin.preprocess.types import NumericTypes
from twinpin.step.block import row_counts
from twinpin.step.errors import Impossible, Malformed
from twinpin.step.step import Tensors, TensorSpec

#: numpy type -> V2 datatype, as metadata shows it.
DATATYPES = {
    "bool": "BOOL",
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
    **{f"int{bits}": f"INT{bits}" for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": f"UINT{bits}" for bits in (8, 16, 32, 64)},
}

_MATRIX = 2  # axes: rows and columns


class Layout(Protocol):
    """Makes what a preprocessor takes from what a request holds."""

    @property
    def metadata(self) -> tuple[TensorSpec, ...]:
        """What goes in, for clients."""

    def take(self, tensors: Tensors) -> Given:
        """Make it; Impossible where the tensors do not fit."""

    def require(self, given: Sequence[TensorSpec]) -> None:
        """Raise Impossible where tensors as *given* can never make it."""

    def zeros(self) -> Tensors | None:
        """One row to warm up with; None where the preprocessor declares nothing."""


class ArrayLayout:
    """Makes the arrays of a tensor signature: one whatever its name, several by their names.

    A window that is longer than the signature's shape gives its newest values.
    """

    def __init__(self, specs: Sequence[Spec]) -> None:
        self._specs = tuple(specs)
        self.metadata = tuple(
            TensorSpec(spec.name or "input", DATATYPES.get(_dtype(spec).name, "BYTES"), spec.shape or (-1,))
            for spec in specs
        )

    def take(self, tensors: Tensors) -> Given:
        """Make one array, or arrays by name."""
        self._refuse_lacking(list(tensors))
        if len(self._specs) == 1:
            spec = self._specs[0]
            named = spec.name is not None and spec.name in tensors
            return _fitted(spec, tensors[str(spec.name)] if named else next(iter(tensors.values())))
        taken = {str(spec.name): _fitted(spec, tensors[str(spec.name)]) for spec in self._specs}
        _check_rows(taken)
        return taken

    def require(self, given: Sequence[TensorSpec]) -> None:
        """Raise Impossible where tensors as *given* can never make the arrays."""
        self._refuse_lacking([spec.name for spec in given])

    def _refuse_lacking(self, names: Sequence[str]) -> None:
        """Refuse names among which those of the signature are not; the only tensor may have any."""
        lacking = [str(spec.name) for spec in self._specs if spec.name not in names]
        if len(self._specs) > 1 and lacking:
            raise Impossible(
                f"The preprocessor takes {len(self._specs)} tensors; not in the request: {listed(lacking)}."
            )
        if len(self._specs) == 1 and lacking and len(names) != 1:
            raise Impossible(f"The preprocessor takes one tensor and {len(names)} came: {listed(names)}.")

    @property
    def plain_width(self) -> int | None:
        """The width of the one FP64 matrix that the signature declares; None where it declares anything else."""
        spec = self._specs[0]
        shape = spec.shape or ()
        plain = len(self._specs) == 1 and _dtype(spec) == np.float64 and len(shape) == _MATRIX and shape[1] > 0
        return shape[1] if plain else None

    def zeros(self) -> Tensors | None:
        """One row of zeros; an axis of any length has length 1."""
        return {
            spec.name or "input": np.zeros([1, *(max(1, each) for each in (spec.shape or (1,))[1:])], _dtype(spec))
            for spec in self._specs
        }


class AsSent:
    """For a preprocessor that declares nothing: columns by name as they came, or one 2-D tensor as it is."""

    metadata: tuple[TensorSpec, ...] = ()

    def require(self, given: Sequence[TensorSpec]) -> None:
        """Take anything: what such a preprocessor needs is not known."""

    def take(self, tensors: Tensors) -> Given:
        """Make one array, or a table of columns."""
        _check_rows(tensors)
        (rows,) = {len(values) for values in tensors.values()}
        if len(tensors) == 1:
            values = next(iter(tensors.values()))
            if values.ndim == _MATRIX and values.shape[1] > 1:
                return values
        columns = {name: _column(values) for name, values in tensors.items()}
        return Table(tuple(columns), (), (), np.empty((rows, 0)), columns)

    def zeros(self) -> Tensors | None:
        """Nothing: what such a preprocessor takes is not known."""
        return None


def _column(values: np.ndarray) -> np.ndarray:
    """One value per row, or one array per row."""
    if values.ndim == 1:
        return values
    if values.ndim == _MATRIX and values.shape[1] == 1:
        return values[:, 0]
    column = np.empty(len(values), dtype=object)
    for row, each in enumerate(values):
        column[row] = each
    return column


def _fitted(spec: Spec, values: np.ndarray) -> np.ndarray:
    """Check the shape and the type of one array, and make it of the type."""
    name, shape, dtype = spec.name or "input", spec.shape or (-1,), _dtype(spec)
    if values.ndim == _MATRIX == len(shape) and values.shape[1] > shape[1] > 0 and spec.name is not None:
        values = values[:, -shape[1] :]
    fits = values.ndim == len(shape) and all(want in (-1, have) for want, have in zip(shape, values.shape, strict=True))
    if not fits:
        raise Impossible(f"Tensor {name!r} has shape {list(values.shape)} and the preprocessor takes {list(shape)}.")
    if len(values) == 0:
        raise Impossible("The request holds no rows: send at least one.")
    if (values.dtype.kind == "O") != (dtype.kind in "OUS"):
        raise Impossible(f"Tensor {name!r} is {dtype.name} in the preprocessor's signature: send that.")
    return values if dtype.kind in "OUS" else _cast(name, values, dtype)


def _cast(name: str, values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Make numbers of another type where each stays what it is."""
    wanted = {"f": "double", "b": "boolean"}.get(dtype.kind, "long") if dtype != np.float32 else "float"
    flat = values.reshape(len(values), -1).astype(float)
    NumericTypes([name] * flat.shape[1], [wanted] * flat.shape[1]).check(flat)
    if dtype.kind in "iu" and (flat.min() < np.iinfo(dtype).min or flat.max() > np.iinfo(dtype).max):
        raise Impossible(f"Tensor {name!r} holds a value that {dtype.name} cannot hold.")
    return values.astype(dtype)


def _dtype(spec: Spec) -> np.dtype:
    """The numpy type of a tensor; `str` stands for text of any length."""
    return np.dtype(object) if spec.dtype in {"str", "string", "object"} else np.dtype(spec.dtype)


def _check_rows(tensors: Tensors) -> None:
    """Refuse tensors of different numbers of rows, and none at all."""
    counts = row_counts(tensors)
    if not tensors or counts == {0}:
        raise Impossible("The request holds no rows: send at least one.")
    if len(counts) > 1 or -1 in counts:
        raise Malformed("The tensors have different numbers of rows: give each column one value, or window, per row.")
