"""Window: cutting values at a moment."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpin.features.window import EPOCH, SECOND, cut, is_after, iso, parse_time_point, values_after
from twinpin.step.errors import Malformed

HOUR = 3600 * SECOND
POISON = 1e9


def micros(moment: datetime) -> int:
    """Count microseconds since 1970."""
    return (moment - EPOCH) // timedelta(microseconds=1)


@pytest.mark.parametrize("text", ["now", None])
def test_now_and_nothing_mean_now(text):
    """A request without a time asks for now."""
    assert parse_time_point(text) is None


@pytest.mark.parametrize(
    "text",
    ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00", "2026-03-01T13:00:00+01:00", "2026-03-01T12", "20260301T120000Z"],
)
def test_a_time_is_read_in_its_zone_and_without_one_as_utc(text):
    """Zones are converted; a naive time is UTC."""
    assert parse_time_point(text) == micros(datetime(2026, 3, 1, 12, tzinfo=UTC))


@pytest.mark.parametrize("text", ["", "yesterday", "NOW ", "2026-13-01", "2026-03-01T25:00", 5, True, 1.5])
def test_what_is_no_time_is_refused_with_an_example(text):
    """The error shows what a time looks like."""
    with pytest.raises(Malformed, match="ISO 8601 time such as"):
        parse_time_point(text)


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(-timedelta(hours=12))])))
def test_every_time_with_a_zone_is_read_exactly(moment):
    """No year or zone overflows, no microsecond is lost."""
    assert parse_time_point(moment.isoformat()) == micros(moment)


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))  # noqa: DTZ001 -- hypothesis wants naive
def test_a_time_that_is_written_reads_back(moment):
    """What `as_of` says can be asked for."""
    aware = micros(moment.replace(tzinfo=UTC))

    assert parse_time_point(iso(aware)) == aware


@given(
    stored=st.integers(1, 200),
    length=st.none() | st.integers(1, 60),
    resolution=st.sampled_from([SECOND, 60 * SECOND, 900 * SECOND, HOUR, 24 * HOUR]),
    newest=st.integers(10**15, 2 * 10**15),
    data=st.data(),
)
def test_no_value_after_the_moment_is_ever_used(stored, length, resolution, newest, data):
    """Every value that lies after the time asked for is poisoned, and none comes out."""
    moment = data.draw(st.integers(newest - (stored + 3) * resolution, newest + resolution - 1))
    times = newest - resolution * np.arange(stored - 1, -1, -1)
    values = np.where(times <= moment, np.arange(stored), POISON)

    window = cut(values, values_after(newest, moment, resolution), length)

    usable = np.arange(stored)[times <= moment]
    if len(usable) < (length or 1):
        assert window is None
    else:
        assert window is not None
        assert window.tolist() == usable[-length if length else 0 :].tolist()


@given(st.integers(10**15, 2 * 10**15), st.integers(-(10**13), 10**13))
def test_a_row_answers_until_the_next_one_is_due(newest, distance):
    """A time in the hour after the newest row is answered by that row; from the next hour on by none."""
    moment = newest + distance

    assert is_after(newest, moment, HOUR) == (distance >= HOUR)


def test_a_time_inside_an_hour_takes_the_value_at_its_beginning():
    """12:59 is answered by the value of 12:00."""
    newest = micros(datetime(2026, 3, 1, 15, tzinfo=UTC))
    asked = micros(datetime(2026, 3, 1, 12, 59, tzinfo=UTC))

    assert cut(np.array([10.0, 11, 12, 13, 14, 15]), values_after(newest, asked, HOUR), 2).tolist() == [11, 12]


def test_a_cut_copies_nothing():
    """Windows of hundreds of values are cut for free."""
    values = np.arange(672.0)

    assert np.shares_memory(cut(values, 24, 24), values)
