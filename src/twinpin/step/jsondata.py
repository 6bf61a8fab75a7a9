"""Values in JSON to arrays and back: strict about kinds, ranges and shapes, and without a Python loop over numbers."""

from array import array
from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np
import orjson

from twinpin.step.block import Block
from twinpin.step.datatypes import MAX_DIMENSIONS, NUMPY, datatype_of, dtype_of, reshaped
from twinpin.step.errors import Malformed

# array.array converts a list at twice the speed of numpy, and refuses text where numpy would parse it.
_TYPECODES = {np.dtype(code).newbyteorder("<"): code for code in "bBhHiIqQ"}
_FRACTIONS = {float, type(None)}
_GAPPY_TEXT = {str, type(None)}
_WORDS = {str: "text", bool: "true or false", int: "whole numbers", float: "fractions", type(None): "null"}


def from_json(tensor: str, datatype: object, shape: tuple[int, ...], data: object) -> np.ndarray:
    """Make the array of one tensor from its *data*, flat or nested as *shape* says; null in floating point is NaN."""
    dtype = dtype_of(tensor, datatype)
    flat, sizes = _flatten(tensor, data)
    if len(sizes) > 1 and sizes != shape:
        raise Malformed(f"tensor {tensor!r} has shape {list(shape)}, but its data is nested as {list(sizes)}")
    return reshaped(tensor, _values(tensor, str(datatype), dtype, flat), shape)


def from_column(name: str, data: object) -> np.ndarray:
    """Make the array of a plain column: k values, or k rows of one length; the datatype follows from the values.

    Whole numbers are INT64, numbers with a fraction or a null FP64 (null is NaN), text BYTES, true and false BOOL.
    """
    flat, sizes = _flatten(name, data)
    kinds = set(map(type, flat))
    if kinds <= {float, int, type(None)}:
        datatype = "INT64" if kinds == {int} else "FP64"
    elif kinds == {str}:
        datatype = "BYTES"
    elif kinds == {bool}:
        datatype = "BOOL"
    else:
        only = "; null is a missing number alone, so send the text that stands for none" if kinds == _GAPPY_TEXT else ""
        raise Malformed(f"column {name!r} holds {_words(kinds)}; a column holds values of one kind{only}")
    return reshaped(name, _values(name, datatype, NUMPY[datatype], flat), sizes)


def from_columns(columns: Mapping[str, object]) -> Block | None:
    """Make the arrays of plain columns together, as `from_column` makes each; None where not all are flat FP64."""
    lists: list[Any] = list(columns.values())
    if set(map(type, lists)) != {list} or len(set(map(len, lists))) != 1:
        return None
    flat = list(chain.from_iterable(lists))
    kinds = set(map(type, flat))
    if not flat or not kinds <= _FRACTIONS:
        return None
    values = np.array(flat, dtype=np.float64) if type(None) in kinds else np.frombuffer(array("d", flat))
    return Block(tuple(columns), values.reshape(len(lists), -1))


def to_json(values: np.ndarray) -> Any:
    """Give orjson what it writes fastest: the array itself, flat and in row order; text as a list."""
    if datatype_of(values) == "BYTES":
        return [value.decode() if isinstance(value, bytes) else str(value) for value in values.ravel().tolist()]
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    return np.ascontiguousarray(values).ravel()


def dumps(document: dict[str, Any]) -> bytes:
    """Write JSON; NaN and infinities become null, FP32 its shortest exact text."""
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def _flatten(tensor: str, data: object) -> tuple[list[Any], tuple[int, ...]]:
    """Return the values in row order and the sizes of the nesting, which is the same in every row."""
    if not isinstance(data, list):
        raise Malformed(f"the values of {tensor!r} must be a list")
    sizes = [len(data)]
    while data and type(data[0]) is list:
        lengths = {len(row) if type(row) is list else -1 for row in data}
        if len(lengths) > 1 or len(sizes) == MAX_DIMENSIONS:
            raise Malformed(f"the rows of {tensor!r} have different lengths; every row needs as many values")
        sizes.append(lengths.pop())
        data = list(chain.from_iterable(data))
    return data, tuple(sizes)


def _values(tensor: str, datatype: str, dtype: np.dtype, flat: list[Any]) -> np.ndarray:
    """Convert values of the kind that the datatype takes."""
    if dtype.kind == "f":
        return _floats(tensor, datatype, dtype, flat)
    if dtype.kind in "iu":
        return _integers(tensor, datatype, dtype, flat)
    wanted = bool if dtype.kind == "b" else str
    kinds = set(map(type, flat)) - {wanted}
    if kinds:
        raise _wrong_kind(tensor, datatype, kinds)
    values = np.empty(len(flat), dtype=dtype)
    values[:] = flat
    return values


def _floats(tensor: str, datatype: str, dtype: np.dtype, flat: list[Any]) -> np.ndarray:
    """Convert numbers and nulls; a number beyond the datatype is refused."""
    try:
        values = np.frombuffer(array("d", flat))
    except TypeError as error:
        kinds = set(map(type, flat)) - {float, int, type(None)}
        if kinds:
            raise _wrong_kind(tensor, datatype, kinds) from error
        values = np.array(flat, dtype=np.float64)
    if dtype == values.dtype:
        return values
    try:
        with np.errstate(over="raise"):
            return values.astype(dtype)
    except FloatingPointError as error:
        raise Malformed(f"tensor {tensor!r} holds a number too large for {datatype}; send it as FP64") from error


def _integers(tensor: str, datatype: str, dtype: np.dtype, flat: list[Any]) -> np.ndarray:
    """Convert whole numbers in the datatype's range."""
    try:
        return np.frombuffer(array(_TYPECODES[dtype], flat), dtype=dtype)
    except TypeError as error:
        raise _wrong_kind(tensor, datatype, set(map(type, flat)) - {int}) from error
    except OverflowError as error:
        limits = np.iinfo(dtype)
        raise Malformed(f"tensor {tensor!r}: {datatype} holds {limits.min} to {limits.max}") from error


def _wrong_kind(tensor: str, datatype: str, kinds: set[type]) -> Malformed:
    """Say what the data holds that the datatype cannot."""
    return Malformed(f"tensor {tensor!r} is {datatype}, but its data holds {_words(kinds)}")


def _words(kinds: set[type]) -> str:
    """Name kinds of JSON values as the sender knows them."""
    return " and ".join(sorted(_WORDS.get(kind, "lists or objects of another depth") for kind in kinds))
