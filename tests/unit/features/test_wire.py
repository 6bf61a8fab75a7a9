"""Wire: columns of serialized values as Feast's own class reads them, whatever lies in them."""

import numpy as np
import pytest
from feast.protos.feast.types.Value_pb2 import DoubleList, Int64List, Value
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from twinpin.features import wire
from twinpin.features.values import Feature
from twinpin.features.window import SECOND

WINDOW = Feature("temp", "weather", "DOUBLE_LIST")
NUMBERS = st.lists(st.floats(width=64), max_size=40)


def read(feature, values):
    """Read a column at once, and value by value through Feast's class; None stands for a field that is not there."""
    column = [None if each is None else each.SerializeToString() for each in values]
    one_by_one = feature.reader()
    return wire.reader(feature)(column), [one_by_one(each or Value()) for each in values]


def assert_same(found, wanted):
    """Compare bit by bit."""
    assert len(found) == len(wanted)
    for mine, theirs in zip(found, wanted, strict=True):
        if theirs is None:
            assert mine is None
        else:
            assert np.asarray(mine).tobytes() == np.asarray(theirs, np.asarray(mine).dtype).tobytes()


@given(st.lists(st.none() | st.builds(lambda val: Value(double_list_val=DoubleList(val=val)), NUMBERS), min_size=1))
def test_windows_are_read_as_feast_reads_them(values):
    """Of any lengths, with nulls and empty ones among them."""
    found, wanted = read(WINDOW, values)

    assert_same(found, wanted)


@given(st.integers(1, 700), st.integers(1, 9))
def test_windows_of_one_length_are_one_array(length, rows):
    """Every length has a head of its own."""
    numbers = np.random.default_rng(length).normal(size=(rows, length))
    found, _ = read(WINDOW, [Value(double_list_val=DoubleList(val=each)) for each in numbers])

    np.testing.assert_array_equal(found, numbers)
    assert isinstance(found, np.ndarray)


def test_a_list_of_another_type_that_is_as_long_is_not_taken_for_doubles():
    """The head tells them apart."""
    doubles = Value(double_list_val=DoubleList(val=[1.0, 2.0]))
    whole = Value(int64_list_val=Int64List(val=[1] * 16))
    assert len(doubles.SerializeToString()) == len(whole.SerializeToString())

    found, wanted = read(WINDOW, [doubles, whole])

    assert_same(found, wanted)
    assert found[1] is None


@pytest.mark.parametrize(("kind", "field", "width"), [("DOUBLE", "double_val", 64), ("FLOAT", "float_val", 32)])
@given(data=st.data())
def test_floats_are_read_as_feast_reads_them(kind, field, width, data):
    """With nulls, with values of another type, zeros and NaN."""
    of_kind = st.builds(lambda number: Value(**{field: number}), st.floats(width=width))
    values = data.draw(st.lists(of_kind | st.none() | st.just(Value(int64_val=5)), min_size=1))

    found, wanted = read(Feature("a", "v", kind), values)

    assert_same(found, wanted)


def test_floats_without_a_null_are_one_array():
    """As one tensor takes them."""
    found, _ = read(Feature("a", "v", "FLOAT"), [Value(float_val=each) for each in (0.0, -1.5, 3.25)])

    assert isinstance(found, np.ndarray)
    assert (found.dtype, found.tolist()) == (np.float32, [0.0, -1.5, 3.25])


VALUES = {
    "FLOAT": lambda number: Value(float_val=number),
    "DOUBLE": lambda number: Value(double_val=number),
    "DOUBLE_LIST": lambda number: Value(double_list_val=DoubleList(val=[number, number + 1])),
}


@pytest.mark.parametrize("kind", VALUES)
@given(data=st.data())
def test_all_features_at_once_are_those_read_one_by_one(kind, data):
    """Of two views whose values have their times behind them, with nulls and values of other types among them."""
    features = [Feature(name, "v", kind) for name in "abc"]
    value = st.builds(VALUES[kind], st.floats(width=32)) | st.sampled_from([None, Value(), Value(int64_val=5)])
    rows = data.draw(st.lists(st.tuples(value, value, value), min_size=1, max_size=4))
    wires = [[None if each is None else each.SerializeToString() for each in row] for row in rows]

    found = wire.table(features, [(0, 2), (3, 4)])([[row[0], row[1], b"time", row[2], b"time"] for row in wires])

    columns = [wire.reader(feature)(column) for feature, column in zip(features, zip(*wires, strict=True), strict=True)]
    if found is None:  # only where something in it is not a number of the kind
        assert any(isinstance(column, list) for column in columns) or np.isnan(np.array(columns)).any()
        return
    assert list(found) == ["a", "b", "c"]
    for name, column in zip("abc", columns, strict=True):
        wanted = [np.nan if each is None else each for each in column]
        np.testing.assert_array_equal(found[name], np.array(wanted, dtype=found[name].dtype))


@pytest.mark.parametrize("kinds", [("FLOAT", "DOUBLE"), ("INT64", "INT64"), ("DOUBLE_LIST", "FLOAT")])
def test_features_of_several_kinds_are_read_one_by_one(kinds):
    """Or of a kind whose message has no fixed width."""
    assert wire.table([Feature("a", "v", kinds[0]), Feature("b", "v", kinds[1])], [(0, 2)]) is None


@given(st.lists(st.none() | st.tuples(st.integers(1, 2**40), st.integers(0, 10**9 - 1)), min_size=1))
def test_times_are_microseconds(moments):
    """No row has the time 0."""
    column = [each and Timestamp(seconds=each[0], nanos=each[1]).SerializeToString() for each in moments]

    assert wire.times(column) == [each[0] * SECOND + each[1] // 1000 if each else 0 for each in moments]
