"""Tensors become the columns that the signature names: by name, out of windows, or in order; each of its type."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpin.pair.signature import Spec
from twinpin.preprocess.arrays import ArrayLayout, AsSent
from twinpin.preprocess.columns import ColumnLayout
from twinpin.step.errors import Impossible, Malformed
from twinpin.step.step import TensorSpec


def layout(*columns, **typed):
    """A signature of double columns, then of others."""
    return ColumnLayout([Spec(name, "double") for name in columns] + [Spec(name, kind) for name, kind in typed.items()])


def lags(feature, count, digits=2):
    """The lag columns of a feature."""
    return [f"{feature}_lag_{lag:0{digits}d}" for lag in range(count)]


def text(*values):
    """A tensor of text."""
    return np.array(values, dtype=object)


def test_columns_come_by_name_in_the_signatures_order():
    """The sender's order does not matter, and neither do columns that nobody asked for."""
    table = layout("a", "b").take({"b": np.array([3, 4]), "extra": np.zeros(2), "a": np.array([[1.0], [2.0]])})

    assert table.order == ("a", "b")
    np.testing.assert_array_equal(table.matrix, [[1, 3], [2, 4]])


@given(
    window=st.integers(1, 30).flatmap(lambda wide: st.tuples(st.just(wide), st.integers(1, wide))),
    rows=st.integers(1, 4),
    digits=st.integers(1, 4),
)
def test_a_lag_counts_back_from_the_newest_value(window, rows, digits):
    """Column k of a window of W values, the oldest first, is the value at W-1-k, however k is written."""
    wide, asked = window
    values = np.arange(rows * wide, dtype=float).reshape(rows, wide)

    table = layout(*lags("temp", asked, digits)).take({"temp": values})

    for lag in range(asked):
        np.testing.assert_array_equal(table.matrix[:, lag], values[:, wide - 1 - lag])


@given(
    order=st.permutations([*lags("temp", 3), *lags("wind", 2), *lags("gust", 1)]),
    wider=st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)),
    dtypes=st.tuples(*[st.sampled_from(["<f8", "<f4", "<i4"])] * 3),
)
def test_lags_of_many_windows_each_find_their_own(order, wider, dtypes):
    """Windows of any length and type, the signature's columns in any order."""
    windows = {
        name: (100 * place + np.arange(2 * (need + more)).reshape(2, -1)).astype(dtype)
        for place, (name, need, more, dtype) in enumerate(
            zip(("temp", "wind", "gust"), (3, 2, 1), wider, dtypes, strict=True)
        )
    }

    matrix = layout(*order).take(windows).matrix

    assert matrix.dtype == np.float64
    for place, column in enumerate(order):
        name, _, lag = column.partition("_lag_")
        np.testing.assert_array_equal(matrix[:, place], windows[name][:, -1 - int(lag)])


def test_windows_and_values_stand_side_by_side():
    """Each column finds its own source, in any order of the signature; a lag that was sent by name wins."""
    table = layout("wind_lag_1", "hour", "temp_lag_0", "temp_lag_1").take(
        {
            "temp": np.array([[1.0, 2.0]]),
            "wind": np.array([[3.0, 4.0]]),
            "hour": np.array([5]),
            "temp_lag_1": np.array([9.0]),
        }
    )

    np.testing.assert_array_equal(table.matrix, [[3, 5, 2, 9]])


def test_one_value_is_a_window_of_one():
    """A scalar feature gives its own newest lag."""
    np.testing.assert_array_equal(layout("temp_lag_0").take({"temp": np.array([7.0, 8.0])}).matrix, [[7], [8]])


def test_one_tensor_may_hold_all_columns_in_order():
    """A matrix whose name is none of the columns is read in the signature's order."""
    table = layout("a", "b", hour="long").take({"input-0": np.array([[1.0, 2.0, 3.0]])})

    assert table.order == ("a", "b", "hour")
    np.testing.assert_array_equal(table.matrix, [[1, 2, 3]])


def test_a_window_of_the_matrixs_width_is_still_a_window():
    """The newest value of the only feature is lag 0, not the last column."""
    table = layout(*lags("temp", 3)).take({"temp": np.array([[1.0, 2.0, 3.0]])})

    np.testing.assert_array_equal(table.matrix, [[3, 2, 1]])


def test_all_lacking_columns_are_named_at_once():
    """Numbers, text and arrays alike; many are counted."""
    wanted = ColumnLayout([Spec("a", "double"), Spec("site", "string"), Spec("past", "double", array=True)])

    with pytest.raises(Impossible, match=r"2 of the preprocessor's 3 columns .*: site, past\."):
        wanted.take({"a": np.zeros(1)})
    with pytest.raises(Impossible, match=r"24 of .* temp_lag_09 and 14 more\."):
        layout(*lags("temp", 24)).take({"other": np.zeros(1)})


def test_short_windows_are_named_with_what_they_lack():
    """The sentence says how many values there are and how many are needed."""
    with pytest.raises(Impossible, match=r"temp \(4 of 24\), wind \(1 of 2\)"):
        layout(*lags("temp", 24), *lags("wind", 2)).take({"temp": np.zeros((1, 4)), "wind": np.zeros(1)})


def test_a_window_is_no_single_value():
    """A window for a column that takes one value is refused, with the name that a lag would have."""
    with pytest.raises(Impossible, match="temp_lag_0"):
        layout("temp").take({"temp": np.zeros((2, 24))})


@pytest.mark.parametrize(
    ("column", "words"),
    [("temp", "one value per row for temp"), ("temp_lag_0", r"temp \(0 of 1\)")],
)
def test_a_window_without_values_is_no_single_value_either(column, words):
    """`[[]]` is a row, and holds nothing."""
    with pytest.raises(Impossible, match=words):
        layout(column).take({"temp": np.zeros((1, 0))})


@pytest.mark.parametrize(
    "tensors",
    [
        {"a": np.zeros(2), "b": np.zeros(3)},
        {"a": np.zeros(2), "b": np.zeros((0, 4))},
        {"a": np.float64(1), "b": np.zeros(1)},
    ],
)
def test_different_numbers_of_rows_are_malformed(tensors):
    """There is no telling which values belong together."""
    with pytest.raises(Malformed):
        layout("a", "b").take({name: np.asarray(values) for name, values in tensors.items()})


@pytest.mark.parametrize("tensors", [{}, {"a": np.zeros(0)}])
def test_no_rows_are_refused(tensors):
    """A request without rows has no answer."""
    with pytest.raises(Impossible, match="no rows"):
        layout("a").take(tensors)


@pytest.mark.parametrize(
    ("wanted", "values", "says"),
    [
        ("long", np.array([1.0, 1.5]), "'x' \\(long\\) holds a fraction in row 1"),
        ("integer", np.array([1.5]), "holds a fraction"),
        ("integer", np.array([2**31]), "beyond its type"),
        ("long", np.array([2**53 + 2]), "beyond its type"),
        ("float", np.array([1e39]), "beyond its type"),
        ("long", np.array([1.0, np.nan]), "no value in row 1"),
        ("boolean", np.array([2]), "neither true nor false"),
        ("boolean", np.array([np.nan]), "neither true nor false"),
        ("double", np.array([np.inf]), "infinite value in row 0"),
        ("double", np.array([True]), "true or false came"),
        ("double", text("7"), "text came"),
        ("long", text("7"), "text came"),
        ("string", np.array([7.0]), "numbers came"),
        ("string", np.array([np.nan]), "nothing but null came: .* the text that stands for none"),
        ("datetime", np.array([7]), "numbers came"),
        ("datetime", text("yesterday"), "no ISO 8601 time"),
        ("binary", text("%%%"), "not base64"),
    ],
)
def test_the_signatures_types_are_enforced(wanted, values, says):
    """A value of another type is refused by column and row, never bent."""
    with pytest.raises(Impossible, match=says):
        layout(x=wanted).take({"x": values})


@pytest.mark.parametrize(
    ("wanted", "values", "expected"),
    [
        ("long", np.array([3.0, -4.0]), [3, -4]),
        ("integer", np.array([3], dtype=np.int8), [3]),
        ("integer", np.array([-(2**31), 2**31 - 1]), [-(2**31), 2**31 - 1]),
        ("double", np.array([3]), [3]),
        ("float", np.array([0.5]), [0.5]),
        ("boolean", np.array([True, False]), [1, 0]),
        ("boolean", np.array([1, 0]), [1, 0]),
        ("double", np.array([np.nan]), [np.nan]),
    ],
)
def test_what_fits_goes_in(wanted, values, expected):
    """A whole number is one however it was written, and a missing double may be imputed later."""
    np.testing.assert_array_equal(layout(x=wanted).take({"x": values}).matrix[:, 0], expected)


def test_text_times_and_octets_stand_beside_the_numbers():
    """Times with a zone are put into UTC."""
    taken = layout("a", site="string", at="datetime", key="binary").take(
        {
            "a": np.array([1.0]),
            "site": text("JFK"),
            "at": text("2026-01-02T03:00:00+02:00"),
            "key": text("AAE="),
        }
    )

    assert taken.others["site"].tolist() == ["JFK"]
    assert taken.others["at"] == np.datetime64("2026-01-02T01:00:00")
    assert taken.others["key"].tolist() == [b"\x00\x01"]


def test_a_column_of_arrays_takes_the_window_as_it_is():
    """One array per row, the oldest value first, of the type that is declared."""
    wanted = ColumnLayout([Spec("past", "float", array=True)])

    taken = wanted.take({"past": np.array([[1, 2, 3], [4, 5, 6]])})

    assert [each.tolist() for each in taken.others["past"]] == [[1, 2, 3], [4, 5, 6]]
    assert taken.others["past"][0].dtype == np.float32
    with pytest.raises(Impossible, match="send a window"):
        wanted.take({"past": np.zeros(2)})
    with pytest.raises(Impossible, match="infinite"):
        wanted.take({"past": np.array([[1, np.inf]])})


def test_optional_columns_may_be_left_out():
    """They are told apart from the rest, and not filled with anything."""
    wanted = ColumnLayout(
        [Spec("a", "double"), Spec("b", "double", required=False), Spec("c", "string", required=False)]
    )

    taken = wanted.take({"a": np.ones(2)})

    assert (taken.order, taken.absent) == (("a",), ("b", "c"))


def test_a_layout_keeps_few_sets_of_tensors():
    """A client that sends ever new names does not fill the memory."""
    wanted = layout("a")
    for place in range(500):
        wanted.take({"a": np.zeros(1), f"extra{place}": np.zeros(1)})

    assert len(wanted._known) <= 64


def test_one_tensor_signature_takes_any_name():
    """The only tensor is meant, its numbers made of the declared type."""
    wanted = ArrayLayout([Spec(None, "float32", (-1, 3))])

    taken = wanted.take({"anything": np.array([[1, 2, 3]])})

    assert taken.dtype == np.float32
    np.testing.assert_array_equal(taken, [[1, 2, 3]])


@pytest.mark.parametrize(
    ("spec", "values", "says"),
    [
        (Spec(None, "float64", (-1, 3)), np.zeros((1, 4)), r"shape \[1, 4\] and the preprocessor takes \[-1, 3\]"),
        (Spec(None, "float64", (-1, 3)), np.zeros((0, 3)), "no rows"),
        (Spec(None, "int64", (-1, 1)), np.array([[1.5]]), "fraction"),
        (Spec(None, "uint8", (-1, 1)), np.array([[256]]), "uint8 cannot hold"),
        (Spec(None, "float32", (-1, 1)), np.array([[1e39]]), "beyond its type"),
        (Spec(None, "float64", (-1, 1)), np.array([["a"]], dtype=object), "float64 in the"),
    ],
)
def test_a_tensor_signature_is_enforced(spec, values, says):
    """Shape and type are checked before the preprocessor sees anything."""
    with pytest.raises(Impossible, match=says):
        ArrayLayout([spec]).take({"x": values})


def test_named_tensors_take_their_newest_values():
    """A longer window gives its end; what is lacking is named."""
    wanted = ArrayLayout([Spec("temp", "float64", (-1, 2)), Spec("hour", "int64", (-1,))])

    taken = wanted.take({"temp": np.array([[1.0, 2.0, 3.0]]), "hour": np.array([5])})

    np.testing.assert_array_equal(taken["temp"], [[2, 3]])
    with pytest.raises(Impossible, match="takes 2 tensors; not in the request: hour"):
        wanted.take({"temp": np.zeros((1, 2))})


def test_without_a_signature_columns_go_as_they_came():
    """One matrix stays one; columns become a table, a window one array per row."""
    np.testing.assert_array_equal(AsSent().take({"m": np.ones((2, 3))}), np.ones((2, 3)))
    taken = AsSent().take({"a": np.zeros(1), "site": text("JFK"), "past": np.array([[1.0, 2.0]])})

    assert taken.order == ("a", "site", "past")
    assert taken.others["past"][0].tolist() == [1, 2]


def test_metadata_shows_the_columns_with_the_protocols_types():
    """A client can see what goes in."""
    specs = [Spec("a", "double"), Spec("n", "long"), Spec("site", "string"), Spec("past", "float", array=True)]

    assert [(each.name, each.datatype, each.shape) for each in ColumnLayout(specs).metadata] == [
        ("a", "FP64", (-1,)),
        ("n", "INT64", (-1,)),
        ("site", "BYTES", (-1,)),
        ("past", "FP32", (-1, -1)),
    ]


def specs(**shapes):
    """What a step before gives."""
    return [TensorSpec(name, "FP64", shape) for name, shape in shapes.items()]


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        (layout(*lags("temp", 3), hour="long"), specs(temp=(-1, -1), hour=(-1,), more=(-1,))),
        (layout(*lags("temp", 3)), specs(temp=(-1, 3))),
        (ColumnLayout([Spec("a", "double"), Spec("b", "double", required=False)]), specs(a=(-1,))),
        (ColumnLayout([Spec("past", "double", array=True)]), specs(past=(-1, -1))),
        (ArrayLayout([Spec(None, "float32", (-1, 3))]), specs(load=(-1, 3))),
        (ArrayLayout([Spec("a", "float32", (-1, 3)), Spec("b", "float32", (-1, 3))]), specs(a=(-1, 3), b=(-1, 3))),
        (AsSent(), specs(a=(-1,))),
    ],
)
def test_outputs_that_can_be_taken_are_let_through(wanted, given):
    """Optional columns, further ones and windows of any length do not matter."""
    assert wanted.require(given) is None


@pytest.mark.parametrize(
    ("wanted", "given", "words"),
    [
        (layout("a", "b"), specs(a=(-1,)), r"not in the request: b\."),
        (layout(*lags("temp", 3)), specs(temp=(-1, 2)), r"temp \(2 of 3\)"),
        (layout("temp"), specs(temp=(-1, -1)), "one value per row"),
        (ArrayLayout([Spec(None, "float32", (-1, 3))]), specs(a=(-1,), b=(-1,)), "one tensor and 2"),
        (ArrayLayout([Spec("a", "float32", (-1,)), Spec("b", "float32", (-1,))]), specs(a=(-1,)), "request: b"),
    ],
)
def test_outputs_that_never_fit_are_refused_before_a_request_comes(wanted, given, words):
    """No client could mend them."""
    with pytest.raises(Impossible, match=words):
        wanted.require(given)
