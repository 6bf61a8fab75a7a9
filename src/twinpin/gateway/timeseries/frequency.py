"""Frequency: the time between two values of a series, by the calendar where that is longer than a week."""

import calendar
from datetime import MAXYEAR, MINYEAR, datetime, timedelta

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_SHORT = {
    "S": "second",
    "T": "minute",
    "H": "hour",
    "D": "day",
    "W": "week",
    "M": "month",
    "Q": "quarter",
    "Y": "year",
}

#: Every name that a request may use.
NAMES = (*_SHORT.values(), *_SHORT)


def advance(moment: datetime, frequency: str, steps: int) -> datetime:
    """Return the time *steps* after *moment*, or before it where *steps* is negative; OverflowError beyond the years.

    Months keep the day of *moment*, or end on their last day: one month after 31 January is 28 or 29 February, and two
    months after it are 31 March.
    """
    name = _SHORT.get(frequency, frequency)
    if name in _SECONDS:
        return moment + timedelta(seconds=_SECONDS[name] * steps)
    year, month = divmod(12 * moment.year + moment.month - 1 + _MONTHS[name] * steps, 12)
    if not MINYEAR <= year <= MAXYEAR:
        raise OverflowError(f"year {year}")
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)
