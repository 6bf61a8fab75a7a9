"""Rows: lags look back, targets look ahead, and neither looks the other way."""

import numpy as np
import pandas as pd
import pytest

from demo_forecast import rows, training
from demo_forecast.weather import COLUMNS


@pytest.fixture
def series():
    """A hundred hours whose values say which hour they are of."""
    index = pd.date_range("2013-11-28T00:00Z", periods=100, freq="h")
    frame = pd.DataFrame({name: np.arange(100.0) + 1000 * place for place, name in enumerate(COLUMNS)}, index=index)
    return frame.assign(hour=index.hour.astype(float))


def test_lag_k_is_k_hours_before_the_row(series):
    """Lag 0 is the row's own hour."""
    row = rows.inputs(series).loc[series.index[50]]

    assert [row[f"temp_lag_{lag:02d}"] for lag in range(24)] == [50.0 - lag for lag in range(24)]
    assert row["hour_lag_00"] == series["hour"].iloc[50]


def test_the_first_row_is_the_first_with_a_full_window(series):
    """Rows before it would be half empty."""
    assert rows.inputs(series).index[0] == series.index[23]


def test_target_h_is_h_hours_after_the_row(series):
    """The first target is the next hour."""
    known = rows.targets(series).loc[series.index[50]]

    assert known.tolist() == [51.0 + step for step in range(24)]


def test_an_example_needs_every_target(series):
    """A gap in the temperature takes the 24 rows before it away, and no input is made up."""
    series.loc[series.index[60], "temp"] = np.nan
    columns, known = rows.examples(series)

    assert known.notna().all(axis=None)
    assert not set(series.index[36:60]) & set(columns.index)
    assert columns["temp_lag_00"].isna().sum() == 1


def test_the_held_out_month_is_in_no_training_target(series):
    """What is judged on was never learned."""
    columns, _, held, _ = training.split({1: series})
    newest_target = columns.index[-1] + pd.Timedelta(hours=rows.HORIZON)

    assert newest_target < training.HELD_OUT <= held.index[0]


def test_naive_forecasts_copy_what_was_known(series):
    """The last value for all hours; for each hour the value 24 hours before it."""
    columns, _ = rows.examples(series)
    guesses = training.naive(columns.loc[[series.index[50]]])

    assert guesses["last value"].tolist() == [[50.0] * 24]
    assert guesses["same hour yesterday"].tolist() == [[27.0 + step for step in range(24)]]


def test_a_model_no_better_than_a_naive_forecast_is_refused():
    """By either measure."""
    good, worse = training.Error(4.0, 6.0), training.Error(5.0, 7.0)
    training._must_win({"model": good, "last value": worse})

    for error in (training.Error(4.0, 7.0), training.Error(5.0, 6.0), worse):
        with pytest.raises(training.NotBetter, match="last value"):
            training._must_win({"model": error, "last value": worse})


def test_the_preprocessor_leaves_no_gap(series):
    """Every gap in a measurement is imputed, and the hour becomes one of 24 columns."""
    columns = rows.inputs(series)
    preprocessor = training.preprocessing().fit(columns)
    columns.loc[columns.index[3], [name for name in columns if name != "hour_lag_00"]] = np.nan
    matrix = preprocessor.transform(columns)

    assert matrix.notna().all(axis=None)
    assert matrix.filter(like="hour_lag_00_").sum(axis=1).eq(1.0).all()
    assert matrix.shape[1] == len(rows.LAGGED) * rows.LAGS + 24
