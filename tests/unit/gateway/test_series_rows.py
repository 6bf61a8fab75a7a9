"""A series becomes a row of what the preprocessor takes, whatever it calls its columns."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpin.gateway.timeseries.request import Series
from twinpin.gateway.timeseries.rows import Place, from_request, from_store
from twinpin.step.errors import Impossible, Malformed
from twinpin.step.lags import look_back
from twinpin.step.step import TensorSpec

LAGS = tuple(TensorSpec(f"{name}_lag_{lag:02d}", "FP64", (-1,)) for name in ("temp", "wind") for lag in range(3))
HOUR = TensorSpec("hour", "INT64", (-1,))
OPEN = TensorSpec("temp", "FP64", (-1, -1))


def series(values, covariates=None, name="a"):
    """A series without a date."""
    return Series(name, np.array(values, dtype=float), "hour", None, covariates)


@pytest.mark.parametrize(
    ("inputs", "windows"),
    [
        ((*LAGS, HOUR), {"temp": 3, "wind": 3}),
        ((TensorSpec("temp_lag_7", "FP64", (-1,)),), {"temp": 8}),
        ((OPEN, TensorSpec("wind", "FP64", (-1, 12))), {"temp": 0, "wind": 12}),
        ((HOUR, TensorSpec("one", "FP64", (-1, 1))), {}),
        ((), {}),
    ],
)
def test_windows_are_what_lags_and_tensors_look_back_on(inputs, windows):
    """0: as many values as come."""
    assert look_back(inputs) == windows


@pytest.mark.parametrize(
    ("inputs", "given", "preferred", "window"),
    [
        (LAGS[:3], (), None, "temp"),
        (LAGS, ("wind",), None, "temp"),
        (LAGS, ("temp_lag_00", "temp_lag_01", "temp_lag_02"), None, "wind"),
        (LAGS, (), "wind", "wind"),
        (LAGS, ("wind",), "wind", "temp"),
        ((*LAGS[:3], HOUR), (), "gone", "temp"),
    ],
)
def test_the_series_goes_where_nothing_else_does(inputs, given, preferred, window):
    """The only window, the only one without a covariate, or the configured one."""
    assert Place(inputs, given, preferred).window == window


@pytest.mark.parametrize(
    ("inputs", "given", "kind", "words"),
    [
        (LAGS, (), Impossible, "looks back on temp, wind"),
        (LAGS, ("temp", "wind"), Malformed, "leave it out"),
        ((HOUR,), (), Impossible, "/predict"),
        ((), (), Impossible, "/predict"),
    ],
)
def test_a_series_without_one_place_is_refused(inputs, given, kind, words):
    """Guessing would forecast something else."""
    with pytest.raises(kind, match=words):
        Place(inputs, given, None)


NUMBERS = st.floats(-1e6, 1e6)


@given(st.lists(st.tuples(st.lists(NUMBERS, min_size=3, max_size=9), NUMBERS), min_size=1, max_size=5))
def test_rows_hold_the_newest_values_and_the_covariates(drawn):
    """Series of several lengths go together; what is older than the model looks back on is left out."""
    asked = [series(values, {"wind": values[:3], "hour": hour}) for values, hour in drawn]
    rows = from_request(asked, Place((*LAGS, HOUR), ("wind", "hour"), None))

    assert rows["temp"].tolist() == [values[-3:] for values, _ in drawn]
    assert rows["wind"].tolist() == [values[:3] for values, _ in drawn]
    assert rows["hour"].tolist() == [hour for _, hour in drawn]


def test_a_window_without_an_end_takes_all_values():
    """They must be as many in each series, since a tensor has one length."""
    place = Place((OPEN,), (), None)

    assert from_request([series([1, 2]), series([3, 4])], place)["temp"].tolist() == [[1, 2], [3, 4]]
    for other in ([3], [3, 4, 5]):
        with pytest.raises((Malformed, Impossible), match="inputs"):
            from_request([series([1, 2]), series(other)], place)


def test_rows_of_the_store_come_back_in_the_series_order():
    """They are read in groups of one time; the series takes the place of what is stored of it, lags too."""
    place = Place((*LAGS, HOUR), (), "temp")
    first = {"wind": np.array([[1.0, 2, 3], [4, 5, 6]]), "temp": np.zeros((2, 3)), "temp_lag_00": np.zeros(2)}
    second = {"wind": np.array([[0.0, 7, 8, 9]]), "temp": np.zeros((1, 4)), "temp_lag_00": np.zeros(1)}
    asked = [series([at, at, at]) for at in range(3)]
    rows = from_store(asked, [([0, 2], first), ([1], second)], place)

    assert list(rows) == ["temp", "wind"]
    assert rows["temp"].tolist() == [[0, 0, 0], [1, 1, 1], [2, 2, 2]]
    assert rows["wind"].tolist() == [[1, 2, 3], [7, 8, 9], [4, 5, 6]]


def test_an_empty_series_among_others_is_refused():
    """A row is either the client's or the store's."""
    stored = [([0, 1], {"temp": np.zeros((2, 3)), "wind": np.zeros((2, 3))})]
    with pytest.raises(Malformed, match=r"inputs\[1\].series is empty"):
        from_store([series([1, 2, 3]), series([])], stored, Place(LAGS, (), "temp"))
