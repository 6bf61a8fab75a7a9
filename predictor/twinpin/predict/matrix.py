"""From a message's tensors to the matrix that the model takes, its columns in the model's order."""

from collections.abc import Sequence

import numpy as np

from twinpin.step.errors import Impossible, Malformed
from twinpin.step.step import Tensors

#: Name of the tensor that the preprocess step makes: its columns stand in the preprocessor's order.
MATRIX = "matrix"

SHOWN = 10


class Matrices:
    """Makes `[n, width]` FP32 from one 2-D tensor, or from columns by name.

    The tensor `matrix` has the order of the preprocessor's output, which is put into the model's order where both
    declare the same names. A tensor of any other name is taken to be in the model's order already.
    """

    def __init__(self, width: int, names: Sequence[str] | None, given: Sequence[str] | None) -> None:
        self._width = width
        self._names = tuple(names) if names else None
        self._permutation = _permutation(self._names, given)

    @property
    def reorders(self) -> bool:
        """Whether the preprocessor gives the model's columns in another order."""
        return self._permutation is not None

    def take(self, tensors: Tensors) -> np.ndarray:
        """Make the matrix; Impossible where the tensors do not fit the model."""
        if len(tensors) == 1:
            (name,), (values,) = tensors, tensors.values()
            if values.ndim == 2 and not (self._names and name in self._names):  # noqa: PLR2004 -- a matrix
                return self._whole(name, values)
        return self._by_name(tensors)

    def _whole(self, name: str, values: np.ndarray) -> np.ndarray:
        """Take one tensor that holds all columns."""
        if values.shape[1] != self._width:
            raise Impossible(
                f"The model takes {self._width} columns and tensor {name!r} has {values.shape[1]}: "
                "send what the pair's preprocessor makes."
            )
        matrix = _numbers(name, values)
        if self._permutation is not None and name == MATRIX:
            matrix = matrix[:, self._permutation]
        return _finite(matrix)

    def _by_name(self, tensors: Tensors) -> np.ndarray:
        """Put columns of the model's names in the model's order; others are left alone."""
        if self._names is None:
            raise Impossible(
                f"The model knows no column names: send one tensor {MATRIX!r} of shape [rows, {self._width}]."
            )
        lacking = [name for name in self._names if name not in tensors]
        if lacking:
            raise Impossible(
                f"The model takes {self._width} columns and these are not in the request: {_listed(lacking)}."
            )
        columns = [_column(name, tensors[name]) for name in self._names]
        if len({len(column) for column in columns}) > 1:
            raise Malformed("The columns have different numbers of rows: give each column one value per row.")
        return _finite(np.stack(columns, axis=1))


def _permutation(names: Sequence[str] | None, given: Sequence[str] | None) -> np.ndarray | None:
    """Where each of the model's columns stands in the preprocessor's output; None where the order is the same."""
    if names is None or given is None or tuple(names) == tuple(given) or sorted(names) != sorted(given):
        return None
    return np.array([list(given).index(name) for name in names], dtype=np.intp)


def _column(name: str, values: np.ndarray) -> np.ndarray:
    """Take one column, `[n]` or `[n, 1]`."""
    if values.ndim == 2 and values.shape[1] == 1:  # noqa: PLR2004 -- a column that stands upright
        values = values[:, 0]
    if values.ndim != 1:
        raise Impossible(f"Column {name!r} has shape {list(values.shape)}: give it one value per row.")
    return _numbers(name, values)


def _numbers(name: str, values: np.ndarray) -> np.ndarray:
    """Check that there are rows of numbers, and make them FP32."""
    if values.dtype.kind not in "fiub":
        raise Impossible(f"Tensor {name!r} holds {_kind(values)}, and the model takes numbers only.")
    if len(values) == 0:
        raise Impossible("The request holds no rows: send at least one.")
    with np.errstate(over="ignore"):  # what overflows becomes infinite, and is refused as such
        return np.ascontiguousarray(values, dtype=np.float32)


def _finite(matrix: np.ndarray) -> np.ndarray:
    """Refuse infinities; NaN is a missing value."""
    if np.isinf(matrix).any():
        row, column = np.argwhere(np.isinf(matrix))[0]
        raise Impossible(
            f"Row {row} holds an infinite value, or one beyond single precision, in column {column}: send a number, "
            "or null where there is none."
        )
    return matrix


def _kind(values: np.ndarray) -> str:
    """Name what an array holds that is not a number."""
    return "text" if values.dtype.kind in "OUS" else f"values of type {values.dtype}"


def _listed(names: Sequence[str]) -> str:
    """Name the first few of many."""
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
