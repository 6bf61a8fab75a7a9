"""The column types of MLflow, enforced: what fits goes in as the signature says, what does not is named."""

import base64
import binascii
from collections.abc import Sequence

import numpy as np

from twinpin.step.errors import Impossible

NUMERIC = frozenset({"double", "float", "long", "integer", "boolean"})

#: MLflow type -> V2 datatype, as metadata shows it.
DATATYPES = {
    "boolean": "BOOL",
    "integer": "INT32",
    "long": "INT64",
    "float": "FP32",
    "double": "FP64",
    "string": "BYTES",
    "binary": "BYTES",
    "datetime": "BYTES",
}

#: The largest whole number up to which FP64 holds every whole number.
EXACT = 2**53

LIMITS = {"integer": 2**31 - 1, "long": EXACT, "float": float(np.finfo(np.float32).max)}


def check_kind(name: str, values: np.ndarray, wanted: str) -> None:
    """Refuse text for a number, and true and false for anything but a boolean."""
    if values.dtype.kind not in "iufb":
        raise Impossible(f"Column {name!r} is {wanted} in the preprocessor's signature, and text came: send numbers.")
    if values.dtype.kind == "b" and wanted != "boolean":
        raise Impossible(f"Column {name!r} is {wanted} in the preprocessor's signature, and true or false came.")


class NumericTypes:
    """Checks a matrix of numeric columns against their types, all rows at once."""

    def __init__(self, names: Sequence[str], types: Sequence[str]) -> None:
        self._names = tuple(names)
        self._types = tuple(types)
        self._whole = self._places("integer", "long")
        self._logical = self._places("boolean")
        self._limits = np.array([LIMITS.get(each, np.inf) for each in types])
        self._lowest = -self._limits - np.array([each == "integer" for each in types])
        self._limited = bool(np.isfinite(self._limits).any())

    def check(self, matrix: np.ndarray) -> None:
        """Refuse infinities, fractions and gaps in whole numbers, and what a narrower type cannot hold."""
        self._refuse(np.isinf(matrix), "an infinite value", "send a finite number, or null where there is none")
        if self._limited:
            beyond = (matrix > self._limits) | (matrix < self._lowest)
            self._refuse(beyond, "a value beyond its type", "send one that the type holds")
        if self._whole is not None:
            whole = matrix[:, self._whole]
            self._refuse(np.isnan(whole), "no value", "whole numbers have no missing value: send one", self._whole)
            self._refuse(whole != np.floor(whole), "a fraction", "send a whole number", self._whole)
        if self._logical is not None:
            logical = matrix[:, self._logical]
            self._refuse((logical != 0) & (logical != 1), "neither true nor false", "send one of them", self._logical)

    def _places(self, *types: str) -> np.ndarray | None:
        """Positions of the columns of these types; None where there are none."""
        places = [place for place, each in enumerate(self._types) if each in types]
        return np.array(places) if places else None

    def _refuse(self, wrong: np.ndarray, what: str, mend: str, places: np.ndarray | None = None) -> None:
        """Name the first wrong value by its column and row."""
        if not wrong.any():
            return
        row, place = (int(each) for each in np.argwhere(wrong)[0])
        column = place if places is None else int(places[place])
        raise Impossible(f"Column {self._names[column]!r} ({self._types[column]}) holds {what} in row {row}: {mend}.")


def other_column(name: str, values: np.ndarray, wanted: str) -> np.ndarray:
    """Make one column that is not numeric: string, datetime (as UTC without a zone) or binary (base64 came)."""
    if wanted == "any":
        return values
    if values.dtype.kind != "O":
        came = "nothing but null" if values.dtype.kind == "f" and np.isnan(values).all() else "numbers"
        raise Impossible(
            f"Column {name!r} is {wanted} in the preprocessor's signature, and {came} came: send text; "
            "where there is none, the text that stands for none in the data that it was trained on."
        )
    if wanted == "datetime":
        return _times(name, values)
    if wanted == "binary":
        return _octets(name, values)
    return values


def _times(name: str, values: np.ndarray) -> np.ndarray:
    """Parse ISO 8601; one with a zone is put into UTC."""
    import pandas as pd  # noqa: PLC0415 -- the only parser here that reads every ISO 8601 form

    try:
        parsed = pd.to_datetime(pd.Series(values), utc=True, format="ISO8601")
    except (ValueError, TypeError) as error:
        raise Impossible(
            f"Column {name!r} holds a value that is no ISO 8601 time: send 2026-01-02T03:00:00Z."
        ) from error
    return parsed.dt.tz_localize(None).to_numpy(dtype="datetime64[ns]")  # type: ignore[no-any-return]


def _octets(name: str, values: np.ndarray) -> np.ndarray:
    """Decode base64, MLflow's own form of bytes in JSON."""
    decoded = np.empty(len(values), dtype=object)
    try:
        decoded[:] = [base64.b64decode(each, validate=True) for each in values]
    except (binascii.Error, TypeError, ValueError) as error:
        raise Impossible(f"Column {name!r} holds a value that is not base64.") from error
    return decoded
