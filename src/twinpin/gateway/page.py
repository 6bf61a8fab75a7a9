"""Page: the graph as it is, the pair that serves, the time per step, and a chart of history and forecast."""

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.responses import Response

from twinpin.gateway import answers
from twinpin.gateway.endpoint import Exchange, json_response
from twinpin.gateway.forecasts import Forecasts
from twinpin.gateway.latencies import Latencies
from twinpin.gateway.requests import EntityQuery
from twinpin.graph.document import GraphStep, InferenceGraph, Node
from twinpin.graph.transport import Target
from twinpin.step import step

_HTML = Path(__file__).with_name("page.html").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class View:
    """What the page shows beside what the steps tell."""

    #: The window that the forecast goes on with; None: the first that the store holds.
    series: str | None = None
    #: Seconds between the values of a window, and between those of a forecast.
    resolution: int = 3600
    #: Whether a chart can be drawn before anybody named an entity.
    default_entity: bool = False


class Page:
    """One HTML file, and the two JSON documents that it asks for."""

    def __init__(self, forecasts: Forecasts, graph: InferenceGraph, latencies: Latencies, view: View) -> None:
        self._forecasts = forecasts
        self._graph = graph
        self._latencies = latencies
        self._view = view

    async def html(self, _exchange: Exchange) -> Response:
        """Send the page; its policy allows its own script and style, by digest, and nothing from elsewhere."""
        return Response(_HTML, media_type="text/html", headers=_HEADERS)

    async def state(self, _exchange: Exchange) -> Response:
        """Give the graph, the pair, the health and the newest times."""
        health = await self._forecasts.health.state()
        features = self._forecasts.stages.features
        document: dict[str, object] = {
            "status": health.status,
            "pair": self._forecasts.pair,
            "graph": {"name": self._graph.name, "nodes": _nodes(self._graph)},
            "latency": self._latencies.table(),
            "entity_key": None if features is None else self._forecasts.stages.entity_key or "entity",
            "default_entity": self._view.default_entity,
        }
        return json_response(document, headers={"cache-control": "no-store"})

    async def history(self, exchange: Exchange) -> Response:
        """Give an entity's stored windows with its forecast; without one, the default entity's."""
        asked = exchange.request.query_params.get("entity")
        query = EntityQuery(None if asked is None else (asked,), id=exchange.id)
        stored = await self._forecasts.history(query, deadline=exchange.deadline)
        made = await self._forecasts.by_entity(query, headers=exchange.headers, deadline=exchange.deadline)
        return json_response(self._chart(stored, made, query), headers={"cache-control": "no-store"})

    def _chart(self, stored: step.Message, made: step.Message, query: EntityQuery) -> dict[str, Any]:
        answer = answers.entity_answer(made, query)
        series = {name: each[0] for name, each in stored.tensors.items() if each.ndim == 2 and each.dtype.kind in "fiu"}  # noqa: PLR2004 -- a window
        first = next(iter(series), None)
        return {
            "entity": answers.entities(stored)[0],
            "as_of": answer["as_of"],
            "resolution": self._view.resolution,
            "series": series,
            "forecast_of": self._view.series if self._view.series in series else first,
            "forecast": answer["prediction"],
            "pair": answer["pair"],
        }


def _nodes(graph: InferenceGraph) -> list[dict[str, object]]:
    """The document's nodes, without the addresses that only the cluster has use for."""
    return [
        {"name": name, "kind": node.router_type, "steps": [_step(each) for each in node.steps]}
        for name, node in _root_first(graph)
    ]


def _root_first(graph: InferenceGraph) -> list[tuple[str, Node]]:
    return sorted(graph.spec.nodes.items(), key=lambda item: item[0] != "root")


def _step(each: GraphStep) -> dict[str, object]:
    target = Target(url=each.service_url, service=each.service_name).model
    return {
        "name": each.name,
        "node": each.node_name or None,
        "target": target or None,
        "condition": each.condition,
        "weight": each.weight,
    }


def _digest(tag: str) -> str:
    """The source of an inline element as a content security policy names it."""
    (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", _HTML, re.DOTALL)
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


_HEADERS = {
    "content-security-policy": "; ".join(
        (
            "default-src 'none'",
            f"script-src {_digest('script')}",
            f"style-src {_digest('style')}",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
