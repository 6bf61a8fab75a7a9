"""The time of a forecast follows from that of the series by the calendar, as KServe's own table has it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kserve_series import types

from twinpin.gateway.timeseries.frequency import NAMES, advance

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=ZONES)  # noqa: DTZ001 -- zones are drawn
STEPS = st.integers(-1500, 1500)


def test_every_frequency_is_known():
    """No more and no less than KServe has."""
    assert set(NAMES) == {each.value for each in types.Frequency}


@given(MOMENTS, st.sampled_from(NAMES), STEPS)
def test_a_step_is_kserves(moment, frequency, steps):
    """Clients that count steps by KServe's table come to the same times."""
    assert advance(moment, frequency, steps) == moment + types.FREQUENCY_MAP[frequency](steps)


@given(MOMENTS, st.sampled_from(NAMES), STEPS)
def test_the_zone_stays(moment, frequency, steps):
    """Months are those of the client's calendar."""
    assert advance(moment, frequency, steps).utcoffset() == moment.utcoffset()


@given(MOMENTS, st.sampled_from(NAMES), st.integers(0, 1500))
def test_later_steps_are_later(moment, frequency, steps):
    """No two values of a forecast have one time."""
    assert advance(moment, frequency, steps) < advance(moment, frequency, steps + 1)


@pytest.mark.parametrize(
    ("start", "frequency", "steps", "end"),
    [
        ("2024-01-31", "M", 1, "2024-02-29"),
        ("2023-01-31", "month", 1, "2023-02-28"),
        ("2024-01-31", "month", 2, "2024-03-31"),
        ("2023-11-30", "Q", 1, "2024-02-29"),
        ("2023-12-31", "quarter", -1, "2023-09-30"),
        ("2024-02-29", "Y", 1, "2025-02-28"),
        ("2024-02-29", "year", 4, "2028-02-29"),
        ("2023-12-31", "D", 1, "2024-01-01"),
        ("2023-12-31", "W", 9, "2024-03-03"),
    ],
)
def test_months_end_on_their_own_last_day(start, frequency, steps, end):
    """Leap years, short months and the turn of the year."""
    found = advance(datetime.fromisoformat(start).replace(tzinfo=UTC), frequency, steps)

    assert found.date().isoformat() == end


@pytest.mark.parametrize("frequency", NAMES)
@pytest.mark.parametrize("steps", [10**12, -(10**12)])
def test_the_end_of_the_calendar_is_an_error(frequency, steps):
    """No year but 1 to 9999 can be written."""
    with pytest.raises(OverflowError):
        advance(datetime(2026, 1, 1, tzinfo=UTC), frequency, steps)
