"""Probing: one forecast through a rollout's own services, before anything else is sent there.

It is compared to the forecast that was recorded with the model where its MLmodel file has one, under the metadata
`twinpin_example`: {"data": {column: [values]}, "prediction": [floats]}. Without one the preprocessor's input example is
sent, and a finite forecast of the right pair is all that can be asked.
"""

import asyncio
import json
import math
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from twinpin.graph.document import GraphStep, InferenceGraph
from twinpin.pair.signature import read_mlmodel
from twinpin.rollout.cluster import Unanswered
from twinpin.rollout.snapshot import Rollout

#: Where the stamp stands among an answer's parameters.
PAIR = "pair"
METADATA = "twinpin_example"
SERVING_EXAMPLE = "serving_input_example.json"

#: How far a forecast may be from the recorded one: single precision, computed by another build of XGBoost.
RELATIVE, ABSOLUTE = 1e-4, 1e-5
SECONDS = 15.0

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    """What to send, and what to expect where that is known."""

    data: Mapping[str, Any]
    prediction: Sequence[float] | None = None

    @classmethod
    def parse(cls, text: str) -> "Example":
        """Read what `text` wrote."""
        found = json.loads(text)
        return cls(found["data"], found.get("prediction"))

    @property
    def text(self) -> str:
        """The example as it is kept beside the Pin."""
        return json.dumps({"data": self.data, "prediction": self.prediction})


def read_example(preprocessor: Path, model: Path) -> Example | None:
    """Find the example in two artifact trees; None when neither has one."""
    recorded = (read_mlmodel(model).get("metadata") or {}).get(METADATA)
    if isinstance(recorded, dict) and "data" in recorded:
        return Example(recorded["data"], list(_numbers(recorded.get("prediction") or [])) or None)
    try:
        given = json.loads((preprocessor / SERVING_EXAMPLE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    table = given.get("dataframe_split") if isinstance(given, dict) else None
    if not table:
        return None
    return Example(dict(zip(table["columns"], map(list, zip(*table["data"], strict=True)), strict=True)))


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
                body = await self.post(step.service_url, body)
            except (OSError, ValueError) as error:
                raise Unanswered(f"{step.name} of {rollout.name} did not answer the probe: {error}") from error
        return judge(body, example, rollout.pin.id)


def chain(document: InferenceGraph, rollout: str) -> Sequence[GraphStep]:
    """Find the steps of a rollout in their order: the Sequence of which all stand in it."""
    for node in document.spec.nodes.values():
        if node.router_type == "Sequence" and node.steps and all(rollout in step.service_url for step in node.steps):
            return node.steps
    return ()


def judge(answer: Body, example: Example, pair: str) -> str | None:
    """Compare an answer to what was recorded."""
    stamp = (answer.get("parameters") or {}).get(PAIR)
    if stamp is not None and stamp != pair:
        return f"The answer is of pair {stamp}."
    try:
        forecast = [value for output in answer["outputs"] for value in _numbers(output["data"])]
    except (KeyError, TypeError, ValueError):
        return "The answer holds no forecast."
    if not forecast or not all(map(math.isfinite, forecast)):
        return "The forecast is empty or not finite."
    return None if example.prediction is None else _differing(forecast, example.prediction)


def _differing(forecast: Sequence[float], recorded: Sequence[float]) -> str | None:
    """Say where a forecast is not the recorded one."""
    if len(forecast) != len(recorded):
        return f"The forecast has {len(forecast)} values, the recorded one {len(recorded)}."
    for place, (now, then) in enumerate(zip(forecast, recorded, strict=True)):
        if not math.isclose(now, then, rel_tol=RELATIVE, abs_tol=ABSOLUTE):
            return f"Value {place} of the forecast is {now:.6g}, the recorded one {then:.6g}."
    return None


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


def _numbers(data: Any) -> Iterator[float]:
    """Flatten nested lists of numbers."""
    if isinstance(data, list):
        for each in data:
            yield from _numbers(each)
    else:
        yield float(data)
