"""Request: the body of `/v1/timeseries/forecast`, checked; keys that are not known are left alone, as KServe does."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from reprlib import repr as brief
from typing import Any

import numpy as np

from twinpin.gateway.timeseries.frequency import NAMES, advance
from twinpin.step.decode import loads
from twinpin.step.errors import Malformed, TooLarge

_REQUIRED = (
    "a request has model, inputs and options.horizon, and each of its inputs has type, name, series and frequency"
)
_NUMBERS = {int, float, type(None)}

UNIVARIATE, MULTIVARIATE = "univariate_time_series", "multivariate_time_series"

_ONE_SERIES = 'send one univariate_time_series for each forecast, and other columns of the model under its "covariates"'


@dataclass(frozen=True, slots=True)
class Series:
    """One series to forecast: *values* FP64 `[n]`, the oldest first, NaN where one is missing.

    *covariates* are the model's other columns, by name; None leaves them to the feature store.
    """

    name: str
    values: np.ndarray
    frequency: str
    start: datetime | None
    covariates: Mapping[str, Any] | None

    @property
    def last(self) -> datetime | None:
        """The time of its newest value."""
        return None if self.start is None else advance(self.start, self.frequency, len(self.values) - 1)

    @property
    def following(self) -> datetime | None:
        """The time of the first value that comes after it."""
        return None if self.start is None else advance(self.start, self.frequency, len(self.values))


@dataclass(frozen=True, slots=True)
class SeriesRequest:
    """Series, and how far and at which *quantiles* (none: the point forecast alone) to forecast them."""

    model: str
    series: tuple[Series, ...]
    horizon: int
    quantiles: tuple[float, ...]


def parse(body: bytes, *, limit: int) -> SeriesRequest:
    """Read a request of at most *limit* series; raises Malformed, which names the key, and TooLarge."""
    document = _object(loads(body), "The body")
    inputs = _required(document, "inputs", "")
    if not isinstance(inputs, list) or not inputs:
        raise Malformed("inputs must be a list of at least one series.")
    if len(inputs) > limit:
        raise TooLarge(f"{len(inputs)} series are more than the {limit} that one request may hold: send several.")
    options = _object(_required(document, "options", ""), "options")
    if document.get("metadata") is not None:
        _object(document["metadata"], "metadata")
    return SeriesRequest(
        model=_text(document, "model", ""),
        series=tuple([_series(each, f"inputs[{place}]") for place, each in enumerate(inputs)]),
        horizon=_horizon(_required(options, "horizon", "options.")),
        quantiles=_quantiles(options.get("quantiles")),
    )


def _series(value: object, at: str) -> Series:
    """Read one series."""
    document, within = _object(value, at), f"{at}."
    kind = _text(document, "type", within)
    if kind not in {UNIVARIATE, MULTIVARIATE}:
        raise Malformed(f"{at}.type must be {UNIVARIATE} or {MULTIVARIATE}, not {brief(kind)}.")
    name, values = _text(document, "name", within), _required(document, "series", within)
    frequency = _text(document, "frequency", within)
    if frequency not in NAMES:
        raise Malformed(f"{at}.frequency must be one of {', '.join(NAMES)}, not {brief(frequency)}.")
    if kind == MULTIVARIATE:
        raise Malformed(f"{at}.type: a model here forecasts one series; {_ONE_SERIES}.")
    covariates = document.get("covariates")
    series = Series(
        name=name,
        values=_values(values, f"{at}.series"),
        frequency=frequency,
        start=_time(document.get("start_timestamp"), f"{at}.start_timestamp"),
        covariates=None if covariates is None else _object(covariates, f"{at}.covariates"),
    )
    _check_times(series, at)
    return series


def _values(value: object, at: str) -> np.ndarray:
    """Read the values of a series."""
    kinds = set(map(type, value)) if isinstance(value, list) else {type(value)}
    if list in kinds and isinstance(value, list):
        raise Malformed(f"{at} holds lists: {_ONE_SERIES}.")
    if not isinstance(value, list) or not kinds <= _NUMBERS:
        raise Malformed(f"{at} must be a list of numbers, the oldest first; null is a missing one.")
    return np.array(value, dtype=np.float64)


def _time(value: object, at: str) -> datetime | None:
    """Read an ISO 8601 time; one without a zone is in UTC."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise Malformed(f'{at} must be an ISO 8601 time such as "2026-01-31T13:00:00Z".')
    try:
        time = datetime.fromisoformat(value)
    except ValueError as error:
        raise Malformed(f'{at} {brief(value)} is not a time: send ISO 8601 such as "2026-01-31T13:00:00Z".') from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _check_times(series: Series, at: str) -> None:
    """Refuse a series that begins or ends where no calendar, or none in UTC, goes."""
    try:
        for time in (series.last, series.following):
            if time is not None:
                time.astimezone(UTC)
    except OverflowError as error:
        raise Malformed(f"{at}.start_timestamp: the series goes beyond the years 1 to 9999.") from error


def _horizon(value: object) -> int:
    """Read the number of steps; 3.0 is the whole number 3."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise Malformed(f"options.horizon must be a whole number of steps, at least 1, not {brief(value)}.")
    return value


def _quantiles(value: object) -> tuple[float, ...]:
    """Read the quantiles asked for; null and none at all are the same."""
    if value is None:
        return ()
    if not isinstance(value, list) or not all(_is_number(each) and 0 < each < 1 for each in value):
        raise Malformed("options.quantiles must be a list of numbers between 0 and 1, such as [0.1, 0.5, 0.9].")
    return tuple(dict.fromkeys(value))


def _is_number(value: object) -> bool:
    """Tell a number from true and false."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _required(document: Mapping[str, Any], key: str, within: str) -> Any:
    """Take a key that must be there."""
    if key not in document:
        raise Malformed(f"{within}{key} is missing: {_REQUIRED}.")
    return document[key]


def _text(document: Mapping[str, Any], key: str, within: str) -> str:
    """Take a key that must be text."""
    value = _required(document, key, within)
    if not isinstance(value, str):
        raise Malformed(f"{within}{key} must be text, not {brief(value)}.")
    return value


def _object(value: object, what: str) -> dict[str, Any]:
    """Check that something is a JSON object."""
    if not isinstance(value, dict):
        raise Malformed(f"{what} must be a JSON object.")
    return value
