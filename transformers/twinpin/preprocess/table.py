"""Table: checked columns, as a preprocessor with a column signature takes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of named columns, numeric ones in one matrix."""

    #: All columns, in the signature's order.
    order: tuple[str, ...]
    #: The numeric columns and their MLflow types, in the order of the matrix.
    numeric: tuple[str, ...]
    types: tuple[str, ...]
    #: `[n, numeric]` FP64.
    matrix: np.ndarray
    #: The other columns: text, times, arrays (a column of arrays is of dtype object).
    others: Mapping[str, np.ndarray]
    #: Optional columns that the request left out.
    absent: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.matrix)


#: What a preprocessor takes: a table, one array, or arrays by name.
Given: TypeAlias = Table | np.ndarray | dict[str, np.ndarray]


def gaps(given: Given) -> list[str]:
    """Name the columns that hold NaN somewhere."""
    if isinstance(given, Table):
        return _gaps_of(given.matrix, given.numeric)
    if isinstance(given, np.ndarray):
        width = given.shape[1] if given.ndim > 1 else 1
        return _gaps_of(given.reshape(len(given), -1), [str(place) for place in range(width)])
    return [name for name, values in given.items() if values.dtype.kind == "f" and np.isnan(values).any()]


def _gaps_of(matrix: np.ndarray, names: Sequence[str]) -> list[str]:
    """Name the columns of a matrix that hold NaN."""
    if matrix.dtype.kind != "f":
        return []
    missing = np.isnan(matrix)
    if not missing.any():
        return []
    places = missing.reshape(len(matrix), len(names), -1).any(axis=(0, 2))
    return [name for name, gap in zip(names, places, strict=True) if gap]
