"""What a preprocessor returns, made into the matrix that goes on; and gaps that nobody filled."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from twinpin.preprocess.routes import listed
from twinpin.preprocess.table import Given, gaps
from twinpin.step.errors import Broken, Impossible

_MATRIX = 2  # axes: rows and columns

_MEND = "log a preprocessor that returns one row of numbers per row"


def to_matrix(result: Any, rows: int, names: Sequence[str] | None) -> np.ndarray:
    """Make `[rows, columns]` FP32 or FP64 of a DataFrame, a sparse or dense array, a list or a dict of columns.

    Columns that carry names are put in the order of *names*, the output signature. Broken where it is no such matrix.
    """
    matrix = _dense(_ordered(result, names))
    if matrix.ndim == 1:
        matrix = matrix.reshape(-1, 1)
    if matrix.ndim != _MATRIX or len(matrix) != rows:
        raise Broken(f"The preprocessor returned shape {list(matrix.shape)} for {rows} rows: {_MEND}.")
    return _numbers(matrix)


def _ordered(result: Any, names: Sequence[str] | None) -> Any:
    """Take the named columns of a table or a dict in the signature's order."""
    if isinstance(result, Mapping):
        order = names if names and set(names) <= set(result) else list(result)
        parts = [_dense(result[name]) for name in order]
        return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)
    columns = getattr(result, "columns", None)
    if columns is not None and names and list(columns) != list(names) and set(names) <= set(columns):
        return result[list(names)]
    return result


def _dense(result: Any) -> np.ndarray:
    """Take the values of a table or a series, fill out a sparse array, and leave a dense one."""
    if hasattr(result, "to_numpy"):
        return np.asarray(result.to_numpy())
    if hasattr(result, "toarray"):
        return np.asarray(result.toarray())
    try:
        return np.asarray(result)
    except ValueError as error:  # rows of different lengths
        raise Broken(f"The preprocessor returned rows of different lengths: {_MEND}.") from error


def _numbers(matrix: np.ndarray) -> np.ndarray:
    """Make it FP32 or FP64."""
    if matrix.dtype in (np.float64, np.float32):
        return matrix
    if matrix.dtype == np.float16:
        return matrix.astype(np.float32)
    if matrix.dtype.kind not in "iubO":
        raise Broken(f"The preprocessor returned values of type {matrix.dtype}: {_MEND}.")
    try:
        return matrix.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise Broken(f"The preprocessor returned values that are no numbers: {_MEND}.") from error


def check_gaps(matrix: np.ndarray, given: Given, names: Sequence[str] | None, *, allow_missing: bool) -> None:
    """Refuse infinities, and, unless *allow_missing*, values that are missing and that nobody imputed."""
    if np.isfinite(matrix.sum()):  # NaN and infinity both show in the sum; finite ones rarely overflow it
        return
    infinite = np.isinf(matrix)
    if infinite.any():
        row, column = (int(each) for each in np.argwhere(infinite)[0])
        raise Impossible(f"The preprocessor makes an infinite value of row {row}{_output(names, column)}: check it.")
    missing = np.isnan(matrix)
    if allow_missing or not missing.any():
        return
    row, column = (int(each) for each in np.argwhere(missing)[0])
    blamed = _blamed(gaps(given), names, missing)
    if not blamed:
        raise Impossible(f"The preprocessor makes no number of row {row}{_output(names, column)}: check its values.")
    verb = "is" if len(blamed) == 1 else "are"
    raise Impossible(
        f"{listed(blamed)} {verb} missing (first in row {row}) and the preprocessor does not impute it: send a value."
    )


def _blamed(holes: Sequence[str], names: Sequence[str] | None, missing: np.ndarray) -> list[str]:
    """Name the input columns that stayed empty, where the output's names tell; else all that came empty."""
    if names is None or len(names) != missing.shape[1]:
        return list(holes)
    empty = {name for name, hole in zip(names, missing.any(axis=0), strict=True) if hole}
    empty |= {name.split("__", 1)[-1] for name in empty}  # scikit-learn writes transformer__column
    return [name for name in holes if name in empty] or list(holes)


def _output(names: Sequence[str] | None, column: int) -> str:
    """Name a column of the output."""
    return f" in column {names[column]!r}" if names and column < len(names) else f" in column {column}"
