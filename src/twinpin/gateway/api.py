"""ForecastAPI: every HTTP path of the product in one ASGI application."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from twinpin.gateway import answers, openapi
from twinpin.gateway.forecasts import Forecasts
from twinpin.gateway.page import Page
from twinpin.gateway.request_id import RequestId
from twinpin.gateway.requests import EntityQuery, parse_batch, parse_entities, parse_payload
from twinpin.gateway.timeseries.forecaster import SeriesForecaster
from twinpin.gateway.timeseries.request import parse as parse_series
from twinpin.graph.transport import Headers
from twinpin.step import rest, telemetry
from twinpin.step.block import rows_of
from twinpin.step.errors import UnknownModel
from twinpin.step.exchange import Endpoint, Exchange, Handler, Reply
from twinpin.step.lifecycle import Lifecycle
from twinpin.step.step import Message, Parameters

#: Headers of the client that the graph's transport may pass on to the steps.
FORWARDED = ("x-request-id",)
_READ = ("GET", "HEAD")
_ANY = (*_READ, "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


class Paths(Router):
    """Starlette's router, which need not try route by route for a path that one answers whatever the method."""

    def __init__(self, routes: Sequence[BaseRoute], default: ASGIApp) -> None:
        super().__init__(routes, default=default)
        whole = [each for each in routes if isinstance(each, Route) and each.methods is None]
        self._whole = {each.path: each.app for each in whole if not each.param_convertors}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        await self._whole.get(scope.get("path", ""), super().__call__)(scope, receive, send)


class ForecastAPI:
    """The endpoints of the gateway, the same in every topology."""

    def __init__(self, forecasts: Forecasts, series: SeriesForecaster, page: Page, lifecycle: Lifecycle) -> None:
        self._forecasts = forecasts
        self._series = series
        self._page = page
        self._lifecycle = lifecycle
        self._limits = forecasts.limits

    def app(self) -> ASGIApp:
        """Return the ASGI application; endpoints answer their own errors, so nothing else stands around the routes."""
        unknown = Endpoint("unknown", _unknown, _ANY)  # for `OPTIONS *`, which is no path
        return RequestId(Paths(self.routes(), unknown))

    def routes(self) -> Sequence[BaseRoute]:
        """List the routes: plain REST, health and metrics, the page, the protocol's own, and KServe's for series."""
        return [
            _forecasts("/predict", self._predict),
            _forecasts("/predict/feast", self._predict_feast),
            _forecasts("/predict/feast/batch", self._predict_batch),
            _route("/health", self._health),
            _route("/openapi.json", self._openapi),
            _route("/", self._page.html),
            _route("/page/state", self._page.state),
            _route("/page/history", self._page.history),
            telemetry.metrics_route(),
            *rest.routes([self._forecasts], self._limits, self._lifecycle),
            _forecasts("/v1/timeseries/forecast", self._forecast_series),
            _route("/v1/timeseries/models", self._series_models),
            Route("/{rest:path}", Endpoint("unknown", _unknown, _ANY)),
        ]

    async def _predict(self, exchange: Exchange) -> Reply:
        """Forecast from columns."""
        deadline = exchange.deadline(self._limits.request_timeout)
        message = parse_payload(await exchange.body(self._limits.max_body_bytes, deadline))
        rows = rows_of(message.tensors)
        telemetry.count_entities(exchange.label, rows)
        exchange.begin(message.parameters, message.id, rows)
        async with exchange.unless_gone():
            answer = await self._forecasts.by_payload(message, headers=_headers(exchange), deadline=deadline)
        return _forecast(answers.payload_answer(answer), answer)

    async def _predict_feast(self, exchange: Exchange) -> Reply:
        """Forecast for one entity, several, or the default one."""
        deadline = exchange.deadline(self._limits.request_timeout)
        query = parse_entities(await exchange.body(self._limits.max_body_bytes, deadline), limit=self._limits.max_rows)
        return await self._by_entity(exchange, query, deadline)

    async def _predict_batch(self, exchange: Exchange) -> Reply:
        """Forecast for several entities, from one query of the store."""
        deadline = exchange.deadline(self._limits.request_timeout)
        query = parse_batch(await exchange.body(self._limits.max_body_bytes, deadline), limit=self._limits.max_rows)
        return await self._by_entity(exchange, query, deadline)

    async def _by_entity(self, exchange: Exchange, query: EntityQuery, deadline: float) -> Reply:
        """Ask the graph, and answer in the query's shape."""
        rows = len(query.entities) if query.entities else 1
        telemetry.count_entities(exchange.label, rows)
        exchange.begin(query.parameters, query.id, rows)
        async with exchange.unless_gone():
            answer = await self._forecasts.by_entity(query, headers=_headers(exchange), deadline=deadline)
        return _forecast(answers.entity_answer(answer, query), answer)

    async def _forecast_series(self, exchange: Exchange) -> Reply:
        """Forecast series that the request holds, by KServe's time-series API."""
        deadline = exchange.deadline(self._limits.request_timeout)
        request = parse_series(await exchange.body(self._limits.max_body_bytes, deadline), limit=self._limits.max_rows)
        parameters: Parameters = {}
        telemetry.count_entities(exchange.label, len(request.series))
        exchange.begin(parameters, rows=len(request.series))
        async with exchange.unless_gone():
            document, answer = await self._series.forecast(request, parameters, _headers(exchange), deadline)
        return _forecast(document, answer)

    async def _series_models(self, _exchange: Exchange) -> Reply:
        """List the models that forecast series, as KServe does."""
        return Reply(orjson.dumps(self._series.models))

    async def _health(self, _exchange: Exchange) -> Reply:
        """Say what can serve: 503 where no forecast can be made."""
        state = await self._forecasts.health.state()
        document = {
            "status": state.status,
            "model_loaded": state.model_loaded,
            "feast_available": state.feast_available,
            "pair": self._forecasts.pair if self._forecasts.pair["id"] else None,
        }
        return Reply(answers.encode(document), 200 if state.serving else 503)

    async def _openapi(self, _exchange: Exchange) -> Reply:
        """Describe all of this."""
        return Reply(answers.encode(openapi.document(self._forecasts)))


def _route(path: str, handler: Handler) -> Route:
    """Route a path to its handler, whose label in the metrics is the path itself."""
    return Route(path, Endpoint(path, handler, _READ))


def _forecasts(path: str, handler: Handler) -> Route:
    """Route a path whose requests are traced and, where they fail, logged."""
    return Route(path, Endpoint(path, handler, ("POST",), traced=True))


async def _unknown(_exchange: Exchange) -> Reply:
    """Refuse a path that nothing answers."""
    raise UnknownModel("There is nothing at this path; / and /openapi.json show what there is.")


def _headers(exchange: Exchange) -> Headers:
    """The client's headers that may travel with the request into the graph."""
    found = ((name, exchange.header(name.encode())) for name in FORWARDED)
    return [(name, value) for name, value in found if value is not None]


def _forecast(document: Mapping[str, Any], answer: Message) -> Reply:
    """Answer with the forecast, and with the pair in a header too."""
    pair = answers.pair(answer)["id"]
    headers = ((answers.PAIR_HEADER, pair.encode()),) if pair and pair.isascii() and pair.isprintable() else ()
    return Reply(answers.encode(document), headers=headers)
