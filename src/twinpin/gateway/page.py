"""Page: the graph as it is, the pair that serves, the time per step, and a chart of history and forecast."""

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twinpin.gateway import answers
from twinpin.gateway.forecasts import Forecasts
from twinpin.gateway.latencies import Latencies
from twinpin.gateway.requests import EntityQuery
from twinpin.graph.document import GraphStep, InferenceGraph, Node
from twinpin.graph.transport import Target
from twinpin.step import step
from twinpin.step.exchange import Exchange, Reply

#: Parameter of the features step's answer: seconds between two values of a window, and so of a forecast.
RESOLUTION, HOUR = "resolution", 3600.0

_FRESH = ((b"cache-control", b"no-store"),)
_HTML = Path(__file__).with_name("page.html").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class View:
    """What the page shows beside what the steps tell."""

    #: The window that the forecast goes on with; None: the first that the store holds.
    series: str | None = None
    #: Whether a chart can be drawn before anybody named an entity.
    default_entity: bool = False


class Page:
    """One HTML file, and the two JSON documents that it asks for."""

    def __init__(self, forecasts: Forecasts, graph: InferenceGraph, latencies: Latencies, view: View) -> None:
        self._forecasts = forecasts
        self._graph = graph
        self._latencies = latencies
        self._view = view

    async def html(self, _exchange: Exchange) -> Reply:
        """Send the page; its policy allows its own script and style, by digest, and nothing from elsewhere."""
        return Reply(_HTML.encode(), content_type=b"text/html; charset=utf-8", headers=_HEADERS)

    async def state(self, _exchange: Exchange) -> Reply:
        """Give the graph, the pair, the health and the newest times."""
        health = await self._forecasts.health.state()
        features = self._forecasts.stages.features
        document = {
            "status": health.status,
            "pair": self._forecasts.pair,
            "graph": {"name": self._graph.name, "nodes": _nodes(self._graph)},
            "latency": self._latencies.table(),
            "entity_key": None if features is None else self._forecasts.stages.entity_key or "entity",
            "default_entity": self._view.default_entity,
        }
        return Reply(answers.encode(document), headers=_FRESH)

    async def history(self, exchange: Exchange) -> Reply:
        """Give an entity's stored windows with its forecast; without one, the default entity's."""
        asked = exchange.query("entity")
        deadline = exchange.deadline(self._forecasts.limits.request_timeout)
        query = EntityQuery(None if asked is None else (asked,))
        async with exchange.unless_gone():
            stored = await self._forecasts.history(query, deadline=deadline)
            made = await self._forecasts.by_entity(query, deadline=deadline)
        return Reply(answers.encode(self._chart(stored, made, query)), headers=_FRESH)

    def _chart(self, stored: step.Message, made: step.Message, query: EntityQuery) -> dict[str, Any]:
        """Put the windows and the forecast together."""
        answer = answers.entity_answer(made, query)
        series = {name: each[0] for name, each in stored.tensors.items() if each.ndim == 2 and each.dtype.kind in "fiu"}  # noqa: PLR2004 -- a window
        first = next(iter(series), None)
        return {
            "entity": answers.entities(stored)[0],
            "as_of": answer["as_of"],
            "resolution": float(stored.parameters.get(RESOLUTION, HOUR)),
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
    """List the nodes in the document's order, but the root first."""
    return sorted(graph.spec.nodes.items(), key=lambda item: item[0] != "root")


def _step(each: GraphStep) -> dict[str, object]:
    """Describe one step by its name, its condition and where it leads."""
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


_POLICY = "; ".join(
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
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
