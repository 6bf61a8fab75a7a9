"""Rows: what the pair learns from and is asked with, one row per hour of issue."""

import pandas as pd

from demo_forecast.weather import COLUMNS

LAGS = 24
HORIZON = 24
TARGET = "temp"

#: Series whose last 24 values go in; of the hour of the day the newest says all.
LAGGED = tuple(column for column in COLUMNS if column != "hour")


def inputs(series: pd.DataFrame) -> pd.DataFrame:
    """Columns `<series>_lag_<k>`, k hours before the row's time; rows before the first full window are left out."""
    columns = {f"{name}_lag_{lag:02d}": series[name].shift(lag) for name in LAGGED for lag in range(LAGS)}
    columns["hour_lag_00"] = series["hour"]
    return pd.DataFrame(columns, index=series.index).iloc[LAGS - 1 :]


def targets(series: pd.DataFrame) -> pd.DataFrame:
    """Columns `temp_in_<h>`: the temperature h hours after the row's time."""
    columns = {f"{TARGET}_in_{step:02d}": series[TARGET].shift(-step) for step in range(1, HORIZON + 1)}
    return pd.DataFrame(columns, index=series.index)


def examples(series: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Inputs and targets of the hours whose next 24 temperatures were all measured."""
    rows, known = inputs(series), targets(series)
    known = known.loc[rows.index].dropna()
    return rows.loc[known.index], known
