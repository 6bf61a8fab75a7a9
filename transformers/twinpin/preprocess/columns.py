"""From named tensors to the table that a preprocessor's column signature asks for."""

import sys
from collections.abc import Container, Iterable, Sequence
from typing import Any

import numpy as np

from twinpin.pair.signature import Spec
from twinpin.preprocess.routes import Routes, find_routes, listed
from twinpin.preprocess.table import Table
from twinpin.preprocess.types import DATATYPES, NUMERIC, NumericTypes, check_kind, other_column
from twinpin.step.block import Block, row_counts
from twinpin.step.errors import Impossible, Malformed
from twinpin.step.step import Tensors, TensorSpec

#: Sets of tensors whose routes are kept: clients send few different ones.
KEPT = 64

_MATRIX = 2  # axes: rows and columns

#: Kinds of numpy types that any numeric column takes.
_PLAIN = frozenset("iuf")


class ColumnLayout:
    """Makes a table from tensors by name, from windows by lag, or from one 2-D tensor in the signature's order.

    Tensors that the signature does not name are left alone, as MLflow does with columns.
    """

    def __init__(self, specs: Sequence[Spec]) -> None:
        self._order = tuple(str(spec.name) for spec in specs)
        self._optional = frozenset(str(spec.name) for spec in specs if not spec.required)
        flat = [spec for spec in specs if not spec.array]
        self._numeric = tuple(str(spec.name) for spec in flat if spec.dtype in NUMERIC)
        self._types = tuple(spec.dtype for spec in flat if spec.dtype in NUMERIC)
        self._checks = NumericTypes(self._numeric, self._types)
        self._others = {str(spec.name): spec.dtype for spec in flat if spec.dtype not in NUMERIC}
        self._arrays = {str(spec.name): spec.dtype for spec in specs if spec.array}
        self._known: dict[tuple[Any, ...], tuple[Routes, Routes]] = {}
        self.metadata = tuple(_metadata(spec) for spec in specs)

    @property
    def names(self) -> tuple[str, ...]:
        """All columns in the signature's order."""
        return self._order

    @property
    def numeric(self) -> tuple[str, ...]:
        """Those of one number each, in the order of a table's matrix."""
        return self._numeric

    @property
    def types(self) -> tuple[str, ...] | None:
        """The types of the columns where all are numeric, else None."""
        return self._types if len(self._numeric) == len(self._order) else None

    def take(self, tensors: Tensors) -> Table:
        """Make the table; Impossible where columns are lacking or of another type."""
        rows = _rows(tensors)
        if self._whole(tensors):
            (values,) = tensors.values()
            tensors = {name: values[:, place] for place, name in enumerate(self._order)}
        numeric, others = self._routes(tensors)
        absent = numeric.absent + others.absent + self._absent_arrays(tensors)
        if len(absent) == len(self._order):
            raise Impossible(f"None of the preprocessor's columns is in the request: send {listed(self._order)}.")
        return Table(
            order=tuple(name for name in self._order if name not in absent) if absent else self._order,
            numeric=self._numeric,
            types=self._types,
            matrix=self._matrix(tensors, numeric, rows),
            others=self._rest(tensors, others),
            absent=absent,
        )

    def require(self, given: Sequence[TensorSpec]) -> None:
        """Raise Impossible where tensors as *given* can never make the table."""
        widths = {spec.name: _declared_width(spec) for spec in given}
        self._refuse_lacking(widths, widths)

    def table(self, matrix: np.ndarray) -> Table:
        """Make a table of numeric columns without a request: to warm up, and to prove."""
        return Table(self._order, self._numeric, self._types, matrix, {})

    def zeros(self) -> Tensors | None:
        """One row of zeros, of empty text and of the first day of 1970."""
        flat = {name: np.zeros(1, bool if wanted == "boolean" else float) for name, wanted in self._typed()}
        text = {name: np.array([_FIRST.get(wanted, "")], object) for name, wanted in self._others.items()}
        arrays = {name: np.zeros((1, 1), _NUMPY.get(wanted, object)) for name, wanted in self._arrays.items()}
        return {**flat, **text, **arrays}

    def _typed(self) -> Iterable[tuple[str, str]]:
        """The numeric columns with their types."""
        return zip(self._numeric, self._types, strict=True)

    def _whole(self, tensors: Tensors) -> bool:
        """Whether the one tensor is the whole matrix: its name is then neither a column's nor a window's."""
        if len(tensors) != 1:
            return False
        ((name, values),) = tensors.items()
        if values.ndim != _MATRIX or values.shape[1] != len(self._order) or self._arrays:
            return False
        return name not in self._order and not any(each.startswith(f"{name}_lag_") for each in self._order)

    def _routes(self, tensors: Tensors) -> tuple[Routes, Routes]:
        """Find the routes for tensors of these names and shapes, once for each set of them."""
        block = isinstance(tensors, Block)
        key = tensors.names if block else tuple([(name, values.shape[1:]) for name, values in tensors.items()])
        known = self._known.get(key)
        if known is None:
            widths = {name: _width(values) for name, values in tensors.items() if values.ndim <= _MATRIX}
            self._refuse_lacking(tensors, widths)
            known = (
                find_routes(self._numeric, self._optional, widths),
                find_routes(tuple(self._others), self._optional, widths),
            )
            if len(self._known) < KEPT:
                self._known[key] = known
        return known

    def _refuse_lacking(self, tensors: Container[str], widths: dict[str, int | None]) -> None:
        """Name everything that is lacking at once, be it a number, text or an array."""
        wanted = [name for name in self._order if name not in self._arrays or name not in tensors]
        find_routes(wanted, self._optional, widths)

    def _absent_arrays(self, tensors: Tensors) -> tuple[str, ...]:
        """Optional columns of arrays that the request left out."""
        return tuple(name for name in self._arrays if name not in tensors)

    def _matrix(self, tensors: Tensors, routes: Routes, rows: int) -> np.ndarray:
        """Make the numeric columns, and check them."""
        matrix = _together(tensors, routes)
        if matrix is None:
            matrix = self._one_by_one(tensors, routes, rows)
        self._checks.check(matrix)
        return matrix

    def _one_by_one(self, tensors: Tensors, routes: Routes, rows: int) -> np.ndarray:
        """Fill the numeric columns, checking the kind of each."""
        matrix = np.empty((rows, len(self._numeric)))
        if routes.direct:
            self._fill_direct(matrix, [tensors[name] for name in routes.direct], routes)
        for window in routes.windows:
            values = tensors[window.tensor]
            for place in window.columns:
                check_kind(window.tensor, values, self._types[place])
            wide = values if values.ndim == _MATRIX else values[:, np.newaxis]
            matrix[:, window.columns] = wide[:, wide.shape[1] - 1 - window.lags]
        if routes.absent:
            matrix[:, [self._numeric.index(name) for name in routes.absent]] = 0.0
        return matrix

    def _fill_direct(self, matrix: np.ndarray, columns: list[np.ndarray], routes: Routes) -> None:
        """Fill the columns that came by name: together where all are plain numbers, else one by one."""
        if {each.dtype.kind for each in columns} <= _PLAIN and {each.ndim for each in columns} == {1}:
            matrix[:, routes.places] = np.array(columns, dtype=float).T
            return
        for name, place, values in zip(routes.direct, routes.places, columns, strict=True):
            check_kind(name, values, self._types[place])
            matrix[:, place] = values if values.ndim == 1 else values[:, 0]

    def _rest(self, tensors: Tensors, routes: Routes) -> dict[str, np.ndarray]:
        """Take the columns of text, times and arrays."""
        rest: dict[str, np.ndarray] = {}
        names = tuple(self._others)
        for name in routes.direct:
            values = tensors[name]
            rest[name] = other_column(name, values if values.ndim == 1 else values[:, 0], self._others[name])
        for window in routes.windows:
            values = tensors[window.tensor]
            wide = values if values.ndim == _MATRIX else values[:, np.newaxis]
            for place, lag in zip(window.columns, window.lags, strict=True):
                column = wide[:, wide.shape[1] - 1 - lag]
                rest[names[place]] = other_column(names[place], column, self._others[names[place]])
        for name, wanted in self._arrays.items():
            if name in tensors:
                rest[name] = _array_column(name, tensors[name], wanted)
        return rest


def _together(tensors: Tensors, routes: Routes) -> np.ndarray | None:
    """Make all numeric columns at once, of one block or of windows of plain numbers; None: one by one."""
    if isinstance(tensors, Block):
        if routes.among is None or tensors.matrix.dtype.kind not in _PLAIN:
            return None
        return tensors.matrix.astype(np.float64, copy=False).take(routes.among, axis=0).T
    if routes.across is None or not routes.windows:
        return None
    windows = [tensors[window.tensor] for window in routes.windows]
    if {each.ndim for each in windows} != {_MATRIX} or not {each.dtype.kind for each in windows} <= _PLAIN:
        return None
    return np.concatenate(windows, axis=1, dtype=np.float64).take(routes.across, axis=1)


def _rows(tensors: Tensors) -> int:
    """Count the rows, which all tensors share."""
    counts = row_counts(tensors)
    if not tensors or counts == {0}:
        raise Impossible("The request holds no rows: send at least one.")
    if len(counts) > 1 or -1 in counts:
        raise Malformed("The tensors have different numbers of rows: give each column one value, or window, per row.")
    return counts.pop()


def _width(values: np.ndarray) -> int | None:
    """Length of the second axis."""
    return values.shape[1] if values.ndim == _MATRIX else None


def _declared_width(spec: TensorSpec) -> int | None:
    """Length of the second axis that a tensor declares; an open one is as long as anybody wants."""
    if len(spec.shape) < _MATRIX:
        return None
    return sys.maxsize if spec.shape[1] < 0 else spec.shape[1]


def _array_column(name: str, values: np.ndarray, wanted: str) -> np.ndarray:
    """Make a column of arrays from a window per row, as it came: the oldest value first."""
    if values.ndim < _MATRIX:
        raise Impossible(f"Column {name!r} holds an array per row in the preprocessor's signature: send a window.")
    if wanted in NUMERIC:
        check_kind(name, values, wanted)
        flat = values.reshape(len(values), -1).astype(float)
        NumericTypes([name] * flat.shape[1], [wanted] * flat.shape[1]).check(flat)
        values = values.astype(_NUMPY[wanted])
    elif values.dtype.kind != "O":
        raise Impossible(f"Column {name!r} holds arrays of {wanted} in the preprocessor's signature: send text.")
    column = np.empty(len(values), dtype=object)
    for row, each in enumerate(values):
        column[row] = each
    return column


_FIRST = {"datetime": "1970-01-01"}

_NUMPY = {"double": np.float64, "float": np.float32, "long": np.int64, "integer": np.int32, "boolean": np.bool_}


def _metadata(spec: Spec) -> TensorSpec:
    """Describe one column to clients."""
    return TensorSpec(str(spec.name), DATATYPES.get(spec.dtype, "FP64"), (-1, -1) if spec.array else (-1,))
