"""Probing: one forecast through a rollout's own services, before anything else is sent there."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from twinpin.graph.document import GraphStep, InferenceGraph
from twinpin.pair.example import Example, judge
from twinpin.rollout.cluster import Unanswered
from twinpin.rollout.snapshot import Rollout

SECONDS = 15.0

Body = dict[str, Any]


class Post(Protocol):
    """A way to send JSON to a step's address; raises OSError where no good answer comes."""

    async def __call__(self, url: str, body: Body) -> Body:
        """Send and receive."""
        ...


@dataclass(frozen=True, slots=True)
class Prober:
    """Sends an example through the steps of one rollout."""

    post: Post

    async def ask(self, rollout: Rollout, document: InferenceGraph, example: Example | None) -> str | None:
        """Say what is wrong with the forecast; None where nothing is, or where there is nothing to ask with."""
        if example is None or rollout.pin is None:
            return None
        body: Body = {"data": example.data}
        for step in chain(document, rollout.name):
            try:
                body = await self.post(as_json(step.service_url), body)
            except (OSError, ValueError) as error:
                raise Unanswered(f"{step.name} of {rollout.name} did not answer the probe: {error}") from error
        return judge(body, example, rollout.pin.id)


def chain(document: InferenceGraph, rollout: str) -> Sequence[GraphStep]:
    """Find the steps of a rollout in their order: the Sequence of which all stand in it."""
    for node in document.spec.nodes.values():
        if node.router_type == "Sequence" and node.steps and all(rollout in step.service_url for step in node.steps):
            return node.steps
    return ()


def as_json(url: str) -> str:
    """Ask a step for JSON where its graph asks it for raw numbers, which no API server and no log passes on whole."""
    head, mark, query = url.partition("?")
    wanted = ["answer=request" if each == "answer=raw" else each for each in query.split("&")]
    return head + mark + "&".join(wanted)


async def post_directly(url: str, body: Body) -> Body:
    """Post to a Service as pods of the cluster can."""
    return await asyncio.to_thread(_post, url, body)


def proxied(url: str, namespace: str) -> str:
    """Turn a Service's address into the path by which the API server passes it on, for who is outside the cluster."""
    parts = urlsplit(url)
    service = (parts.hostname or "").partition(".")[0]
    query = f"?{parts.query}" if parts.query else ""
    return f"/api/v1/namespaces/{namespace}/services/{service}:{parts.port or 80}/proxy{parts.path}{query}"


def _post(url: str, body: Body) -> Body:
    """Post JSON, and take what a step says of an error into ours."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310 -- the template's address
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            found: Body = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        raise OSError(f"status {error.code}: {error.read(300).decode(errors='replace')}") from error
    return found
