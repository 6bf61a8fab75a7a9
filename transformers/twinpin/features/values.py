"""Feature: one feature of the service, and how Feast's protobuf value of it becomes numpy."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

#: A window: 1-D array, oldest first. A scalar: a Python number or text. None: the store holds a null.
Value = np.ndarray | float | int | str | bool | None

#: What Feast writes for a missing time: numpy's NaT as an integer.
NOT_A_TIME = -(1 << 63)


class Kind(NamedTuple):
    """How a Feast value type travels: field of Feast's `Value` message, V2 datatype, numpy type."""

    field: str
    datatype: str
    dtype: Any


#: Feast value type -> scalar tensor. Times are seconds since 1970 UTC, since the protocol has no datatype for them.
SCALARS = {
    "DOUBLE": Kind("double_val", "FP64", np.float64),
    "FLOAT": Kind("float_val", "FP32", np.float32),
    "INT64": Kind("int64_val", "INT64", np.int64),
    "INT32": Kind("int32_val", "INT32", np.int32),
    "BOOL": Kind("bool_val", "BOOL", np.bool_),
    "STRING": Kind("string_val", "BYTES", np.object_),
    "UNIX_TIMESTAMP": Kind("unix_timestamp_val", "INT64", np.int64),
}

#: Feast value type -> window tensor. Every number is FP64 there, whatever the store's width.
WINDOWS = {
    "DOUBLE_LIST": Kind("double_list_val", "FP64", np.float64),
    "FLOAT_LIST": Kind("float_list_val", "FP64", np.float64),
    "INT64_LIST": Kind("int64_list_val", "FP64", np.float64),
    "INT32_LIST": Kind("int32_list_val", "FP64", np.float64),
    "BOOL_LIST": Kind("bool_list_val", "FP64", np.float64),
    "STRING_LIST": Kind("string_list_val", "BYTES", np.object_),
    "UNIX_TIMESTAMP_LIST": Kind("unix_timestamp_list_val", "INT64", np.int64),
}


@dataclass(frozen=True)
class Feature:
    """One feature of the service, as tensors and messages name it."""

    name: str
    view: str
    #: Feast value type, a key of SCALARS or WINDOWS.
    type: str
    #: Computed by Feast while it reads, so for the newest row alone.
    on_demand: bool = False
    #: Name in Feast's response.
    column: str = field(default="", compare=False)

    @cached_property
    def is_window(self) -> bool:
        """Whether an entity has many values of it, oldest first."""
        return self.type in WINDOWS

    @cached_property
    def kind(self) -> Kind:
        """How it travels."""
        return WINDOWS[self.type] if self.is_window else SCALARS[self.type]

    def reader(self) -> Callable[[Any], Value]:
        """Make the function that turns Feast's `Value` message into a `Value`."""
        if not self.is_window:
            return _scalar_reader(self.kind, is_time=self.type == "UNIX_TIMESTAMP")
        if self.type == "DOUBLE_LIST":
            return _doubles
        return _list_reader(self.kind)

    def stack(self, values: list[Any]) -> np.ndarray:
        """Make the tensor of n rows from their values, all of one length: [n, W], or [n] for scalars.

        A null number is NaN, as in an imputer's input.
        """
        if self.is_window:
            return np.stack(values)
        if self.kind.datatype.startswith("FP"):
            return np.array([np.nan if value is None else value for value in values], self.kind.dtype)
        return np.array(values, self.kind.dtype)

    @cached_property
    def has_nan(self) -> bool:
        """Whether a null has a number for it, which a preprocessor can impute: only a float scalar has."""
        return self.type in ("DOUBLE", "FLOAT")


def _doubles(value: Any) -> Value:
    """Read a DoubleList without making a Python object per number (25 times faster for 672 of them).

    A packed repeated double is, on the wire, its eight-byte little-endian numbers in a row, and the message has no
    other field: they are the end of its bytes.
    """
    if not value.HasField("double_list_val"):
        return None
    message = value.double_list_val
    count = len(message.val)
    wire = message.SerializeToString()
    return np.frombuffer(wire, "<f8", count=count, offset=len(wire) - 8 * count)


def _list_reader(kind: Kind) -> Callable[[Any], Value]:
    """Read any other list."""

    def read(value: Any) -> Value:
        return np.array(getattr(value, kind.field).val, kind.dtype) if value.HasField(kind.field) else None

    return read


def _scalar_reader(kind: Kind, *, is_time: bool) -> Callable[[Any], Value]:
    """Read a scalar."""

    def read(value: Any) -> Value:
        if not value.HasField(kind.field):
            return None
        scalar: Value = getattr(value, kind.field)
        return None if is_time and scalar == NOT_A_TIME else scalar

    return read
