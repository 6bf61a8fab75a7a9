"""Feature: Feast's protobuf values as numpy."""

import math

import numpy as np
import pytest
from feast.protos.feast.types.Value_pb2 import DoubleList, Value
from feast.type_map import python_values_to_proto_values
from feast.value_type import ValueType
from hypothesis import given
from hypothesis import strategies as st

from twinpin.features.values import SCALARS, WINDOWS, Feature


def read(type_name: str, python):
    """Write *python* as Feast does, and read it as we do."""
    (message,) = python_values_to_proto_values([python], ValueType[type_name])
    return Feature("temp", "weather", type_name).reader()(message)


@given(st.lists(st.floats(), max_size=700))
def test_doubles_come_back_bit_by_bit(values):
    """Infinities, the sign of zero and every NaN included, at any length."""
    wire = Value.FromString(Value(double_list_val=DoubleList(val=values)).SerializeToString())

    window = Feature("temp", "weather", "DOUBLE_LIST").reader()(wire)

    assert window.tobytes() == np.array(values, "<f8").tobytes()


@pytest.mark.parametrize(
    ("type_name", "values"),
    [
        ("FLOAT_LIST", [1.5, math.inf, -0.25]),
        ("INT64_LIST", [1, -(2**53), 2**53]),
        ("INT32_LIST", [1, -(2**31), 2**31 - 1]),
        ("BOOL_LIST", [True, False, True]),
        ("STRING_LIST", ["clear", "", "über"]),
        ("UNIX_TIMESTAMP_LIST", [0, 1_700_000_000]),
    ],
)
def test_other_lists_come_back_as_windows(type_name, values):
    """Numbers as FP64, texts as texts, times as seconds."""
    window = read(type_name, values)

    assert window.tolist() == values
    assert window.dtype == WINDOWS[type_name].dtype


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("DOUBLE", 1.5),
        ("FLOAT", 0.25),
        ("INT64", -(2**63)),
        ("INT32", 2**31 - 1),
        ("BOOL", False),
        ("STRING", ""),
        ("UNIX_TIMESTAMP", 1_700_000_000),
    ],
)
def test_scalars_come_back(type_name, value):
    """Zero, false and the empty text are values, not nulls."""
    assert read(type_name, value) == value


@pytest.mark.parametrize("type_name", [*SCALARS, *WINDOWS])
def test_a_null_is_none(type_name):
    """Whatever the type."""
    assert read(type_name, None) is None


def test_only_floats_have_a_number_for_a_null():
    """An integer, a text, a truth value, a time or a window has none that a preprocessor could impute."""
    assert {name for name in [*SCALARS, *WINDOWS] if Feature("temp", "weather", name).has_nan} == {"DOUBLE", "FLOAT"}
