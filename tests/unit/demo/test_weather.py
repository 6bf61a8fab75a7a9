"""Weather: what is read from the package, and what a replay makes of it."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo_forecast import weather


@pytest.fixture(scope="module")
def measured():
    """The real series."""
    return weather.read()


def records(times, **columns):
    """Records as the file has them."""
    base = {"temp": 50.0, "dewp": 40.0, "humid": 60.0, "pressure": 1010.0, "visib": 10.0}
    base |= {"wind_dir": 0.0, "wind_speed": 10.0} | columns
    return pd.DataFrame(base | {"time": pd.to_datetime(times, utc=True)})


def test_every_hour_of_the_year_has_one_row(measured):
    """A gap in the record is a row of NaN, not a jump in the index."""
    for series in measured.values():
        assert (np.diff(series.index.asi8) == pd.Timedelta("1h").as_unit(series.index.unit)._value).all()
        assert series.index[0] == pd.Timestamp("2013-01-01T06:00Z")
        assert series.index[-1] == pd.Timestamp("2013-12-30T23:00Z")


def test_gaps_stay_gaps(measured):
    """Nothing is made up on the way in: imputing is the preprocessor's work."""
    missing = {number: int(series["temp"].isna().sum()) for number, series in measured.items()}

    assert missing == {1: 28, 2: 24, 3: 24}


def test_the_hour_is_known_even_where_nothing_was_measured(measured):
    """It comes from the clock."""
    for series in measured.values():
        assert (series["hour"] == series.index.hour).all()


def test_no_wind_is_faster_than_any_wind(measured):
    """One record says 1048 mph; it is left out."""
    for series in measured.values():
        speed = np.hypot(series["wind_east"], series["wind_north"])

        assert speed.max() < weather.WIND_LIMIT_MPH


def test_the_hour_that_summer_time_repeats_is_two_rows(measured):
    """The series runs on UTC, so 2013-11-03 01:00 in New York is there twice, an hour apart."""
    twice = measured[1].loc["2013-11-03T05:00Z":"2013-11-03T06:00Z", "temp"]

    assert twice.tolist() == [51.98, 50.0]


def test_wind_from_the_west_blows_east():
    """A direction says where the wind comes from."""
    row = weather.hourly(records(["2013-01-01T00:00Z"], wind_dir=270.0)).iloc[0]

    assert row["wind_east"] == pytest.approx(10.0)
    assert row["wind_north"] == pytest.approx(0.0, abs=1e-9)


def test_a_calm_has_no_direction_and_is_no_gap():
    """The file has no direction for a calm."""
    row = weather.hourly(records(["2013-01-01T00:00Z"], wind_dir=np.nan, wind_speed=0.0)).iloc[0]

    assert (row["wind_east"], row["wind_north"]) == (0.0, 0.0)


def test_records_of_one_hour_count_once():
    """The first stays."""
    times = ["2013-01-01T00:00Z", "2013-01-01T00:00Z", "2013-01-01T02:00Z"]
    series = weather.hourly(records(times, temp=[1.0, 2.0, 3.0]))

    assert series["temp"].tolist()[::2] == [1.0, 3.0]
    assert len(series) == 3
    assert np.isnan(series["temp"].iloc[1])


@settings(max_examples=25, deadline=None)
@given(minutes=st.integers(0, 60 * 24 * 365 * 5))
def test_a_replay_ends_in_the_current_hour_and_keeps_the_hour_of_the_day(measured, minutes):
    """Noon stays noon, and no row lies in the future."""
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    for number, series in weather.replay(measured, now).items():
        assert series.index[-1] == pd.Timestamp(now).floor("h")
        assert (series["hour"] == series.index.hour).all()
        assert series["temp"].dropna().tolist() == measured[number]["temp"].iloc[: len(series)].dropna().tolist()


def test_a_replay_never_goes_back_behind_a_full_window(measured):
    """At worst 23 hours of the record are left out."""
    for hour in range(24):
        replayed = weather.replay(measured, datetime(2026, 7, 1, hour, 59, tzinfo=UTC))

        assert all(len(series) >= len(measured[number]) - 23 for number, series in replayed.items())
