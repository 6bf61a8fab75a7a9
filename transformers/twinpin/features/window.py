"""Window: the values of one feature up to a moment, and never one after it.

A window holds equally spaced values, oldest first. Its newest value stands at the event time of its row, value k before
it k resolutions earlier. All times here are integer microseconds since 1970 UTC, so that no rounding moves a cut.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

import numpy as np

from twinpin.step.errors import Malformed

NOW = "now"
SECOND = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Status(StrEnum):
    """Why an entity has no features for the time asked for."""

    UNKNOWN = "unknown"
    STALE = "stale"
    NULL = "null"
    BEFORE_WINDOW = "before_window"
    AFTER_NEWEST = "after_newest"


def parse_time_point(text: object) -> int | None:
    """Read the parameter `time_point`: None for "now" or nothing, else microseconds; a time without zone is UTC."""
    if text is None or text == NOW:
        return None
    if isinstance(text, str):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return (aware - EPOCH) // timedelta(microseconds=1)
    raise Malformed('time_point must be "now" or an ISO 8601 time such as "2026-01-31T12:00:00Z".')


@lru_cache(1024)
def iso(moment: int) -> str:
    """Write a time as clients read it, in UTC; rows that were written together share theirs."""
    return (EPOCH + timedelta(microseconds=moment)).isoformat().replace("+00:00", "Z")


def values_after(newest: int, moment: int, resolution: int) -> int:
    """Count the values that lie after *moment* in a window whose newest value stands at *newest*.

    All three in microseconds. Those values must not be used: at the time asked for they were not known.
    """
    return max(0, -((moment - newest) // resolution))


def is_after(newest: int, moment: int, resolution: int) -> bool:
    """Tell whether a row newer than *newest* belongs to *moment*, so that the window does not reach it."""
    return moment >= newest + resolution


def cut(values: np.ndarray, after: int, length: int | None) -> np.ndarray | None:
    """Leave out the *after* newest of *values*, keep the last *length* of the rest (None: all).

    None where so many are not there. The result is a view of *values*.
    """
    end = len(values) - after
    if end < (length or 1):
        return None
    return values[end - length if length else 0 : end]
