"""ForecastAPI: every HTTP path of the product in one Starlette application."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from twinpin.gateway import answers, openapi
from twinpin.gateway.endpoint import Endpoint, Exchange, Handle, http_error, json_response
from twinpin.gateway.forecasts import Forecasts
from twinpin.gateway.page import Page
from twinpin.gateway.requests import EntityQuery, parse_batch, parse_entities, parse_payload
from twinpin.graph.body import Body
from twinpin.step import rest, telemetry
from twinpin.step.lifecycle import Lifecycle
from twinpin.step.step import TRACEPARENT, Message


class ForecastAPI:
    """The endpoints of the gateway, the same in every topology."""

    def __init__(self, forecasts: Forecasts, page: Page, lifecycle: Lifecycle) -> None:
        self._forecasts = forecasts
        self._page = page
        self._lifecycle = lifecycle
        self._limits = forecasts.limits

    def app(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(routes=self.routes(), exception_handlers={HTTPException: http_error})

    def routes(self) -> Sequence[BaseRoute]:
        """List the routes: plain REST, health and metrics, the page, and the protocol's own."""
        return [
            self._route("/predict", self._predict, "POST"),
            self._route("/predict/feast", self._predict_feast, "POST"),
            self._route("/predict/feast/batch", self._predict_batch, "POST"),
            self._route("/health", self._health),
            self._route("/openapi.json", self._openapi),
            self._route("/", self._page.html),
            self._route("/page/state", self._page.state),
            self._route("/page/history", self._page.history),
            telemetry.metrics_route(),
            *rest.routes([self._forecasts], self._limits, self._lifecycle),
        ]

    def _route(self, path: str, handle: Handle, method: str = "GET") -> Route:
        return Route(path, Endpoint(path, self._limits, handle), methods=[method])

    async def _predict(self, exchange: Exchange) -> Response:
        """Forecast from columns."""
        raw = await exchange.body()
        document, rows = parse_payload(raw)
        body = Body(data=raw, json=document)
        if trace := exchange.request.headers.get(TRACEPARENT):
            body = Body.of_json(document | {"parameters": document.get("parameters", {}) | {TRACEPARENT: trace}})
        message = await self._forecasts.by_payload(
            body, rows=rows, headers=exchange.headers, deadline=exchange.deadline
        )
        return _forecast(answers.payload_answer(message), message)

    async def _predict_feast(self, exchange: Exchange) -> Response:
        """Forecast for one entity, several, or the default one."""
        query = parse_entities(await exchange.body(), limit=self._limits.max_rows)
        return await self._by_entity(exchange, query)

    async def _predict_batch(self, exchange: Exchange) -> Response:
        """Forecast for several entities, from one query of the store."""
        query = parse_batch(await exchange.body(), limit=self._limits.max_rows)
        return await self._by_entity(exchange, query)

    async def _by_entity(self, exchange: Exchange, query: EntityQuery) -> Response:
        if trace := exchange.request.headers.get(TRACEPARENT):
            query.parameters.setdefault(TRACEPARENT, trace)
        message = await self._forecasts.by_entity(query, headers=exchange.headers, deadline=exchange.deadline)
        return _forecast(answers.entity_answer(message, query), message)

    async def _health(self, _exchange: Exchange) -> Response:
        """Say what can serve: 503 where no forecast can be made."""
        state = await self._forecasts.health.state()
        document: dict[str, object] = {
            "status": state.status,
            "model_loaded": state.model_loaded,
            "feast_available": state.feast_available,
            "pair": self._forecasts.pair if self._forecasts.pair["id"] else None,
        }
        return json_response(document, status=200 if state.serving else 503)

    async def _openapi(self, _exchange: Exchange) -> Response:
        """Describe all of this."""
        return json_response(openapi.document(self._forecasts))


def _forecast(document: dict[str, object], message: Message) -> Response:
    response = json_response(document)
    if pair := answers.pair(message)["id"]:
        response.headers[answers.PAIR_HEADER] = pair
    return response
