"""Forecaster: series through the graph, as rows like any others."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from twinpin.gateway import answers
from twinpin.gateway.forecasts import Forecasts
from twinpin.gateway.requests import NOW, EntityQuery
from twinpin.gateway.timeseries.answer import answer, text
from twinpin.gateway.timeseries.frequency import advance
from twinpin.gateway.timeseries.request import Series, SeriesRequest
from twinpin.gateway.timeseries.rows import Place, covariates, from_request, from_store
from twinpin.graph.transport import Headers
from twinpin.step.errors import Broken, Malformed, UnknownModel
from twinpin.step.step import AS_OF, Message, Parameters, Tensors


class SeriesForecaster:
    """Answers requests of the time-series API; *window* is what the series are of, where the model has several."""

    def __init__(self, forecasts: Forecasts, window: str | None) -> None:
        self._forecasts = forecasts
        self._window = window

    @property
    def models(self) -> list[str]:
        """The names that a request may give as its model."""
        return [self._forecasts.name]

    async def forecast(
        self, request: SeriesRequest, parameters: Parameters, headers: Headers, deadline: float
    ) -> tuple[dict[str, Any], Message]:
        """Return the answer's document, and the message that it was made of; *deadline* as in `Forecasts`."""
        if request.model not in self.models:
            raise UnknownModel(f"There is no model {request.model[:80]!r} here; this one is {self._forecasts.name!r}.")
        tensors, starts = await self._rows(request.series, parameters, deadline)
        made = await self._forecasts.by_payload(Message(tensors, parameters), headers=headers, deadline=deadline)
        return answer(request, made, starts), made

    async def _rows(
        self, series: Sequence[Series], parameters: Parameters, deadline: float
    ) -> tuple[Tensors, Sequence[datetime]]:
        """Make the rows, and tell when each forecast begins."""
        brought = covariates(series)
        place = Place(await self._forecasts.columns(), brought or (), self._window)
        whole = brought is not None or (place.alone and all(len(each.values) for each in series))
        if whole or self._forecasts.stages.features is None:
            return from_request(series, place), _starts(series, [None] * len(series))
        stored, times = await self._stored(series, parameters, deadline)
        return from_store(series, stored, place), _starts(series, times)

    async def _stored(
        self, series: Sequence[Series], parameters: Parameters, deadline: float
    ) -> tuple[list[tuple[list[int], Tensors]], list[str | None]]:
        """Read what the store holds of the entities that the series are named for, as of their newest values.

        One read for each such time, and the time of the newest row of each series.
        """
        groups: dict[str, list[int]] = {}
        for place, each in enumerate(series):
            groups.setdefault(_time_point(each), []).append(place)
        stored: list[tuple[list[int], Tensors]] = []
        times: list[str | None] = [None] * len(series)
        for moment, places in groups.items():
            names = tuple(series[place].name for place in places)
            query = EntityQuery(names, time_point=moment, several=True, parameters=parameters)
            found = await self._forecasts.stored(query, deadline=deadline)
            stored.append((places, found.tensors))
            for place, time in zip(places, answers.listed(found, AS_OF), strict=True):
                times[place] = str(time)
        return stored, times


def _time_point(series: Series) -> str:
    """The time up to which the store's rows may be used."""
    last = series.last
    return NOW if last is None else text(last.astimezone(UTC))


def _starts(series: Sequence[Series], times: Sequence[str | None]) -> list[datetime]:
    """Tell when each forecast begins: after the series, or after the newest stored row."""
    return [_start(each, time, f"inputs[{at}]") for at, (each, time) in enumerate(zip(series, times, strict=True))]


def _start(series: Series, as_of: str | None, at: str) -> datetime:
    """Tell when one forecast begins."""
    if (following := series.following) is not None:
        return following
    if as_of is None:
        raise Malformed(
            f"{at}.start_timestamp is missing: without the time of the first value nothing dates the forecast."
        )
    try:
        return advance(datetime.fromisoformat(as_of), series.frequency, 1)
    except (ValueError, OverflowError) as error:
        raise Broken("The features step named a time that is none.") from error
