"""Remote: a step that runs elsewhere, found by its place in the graph document and described by itself."""

import time
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from twinpin.gateway.pipeline import answer_of
from twinpin.graph.body import Body
from twinpin.graph.document import InferenceGraph
from twinpin.graph.http import service_url
from twinpin.graph.transport import Target, Transport
from twinpin.step.errors import Unavailable
from twinpin.step.step import Message, TensorSpec

#: Seconds after which a step is asked again what it takes and gives: a rollout may have replaced it.
METADATA_FRESH = 30.0
PROBE = aiohttp.ClientTimeout(total=2.0)
#: Times that a step is asked before it is taken for down: each connection may lead to a pod that is stopping while
#: others serve, and headless Services name such a pod for as long as DNS is believed.
TRIES = 4


def find_step(graph: InferenceGraph, model: str) -> Target | None:
    """Find where the document puts the step of this model name."""
    for _node, _place, step in graph.steps():
        target = Target(url=step.service_url, service=step.service_name)
        if not step.node_name and target.model == model:
            return target
    return None


class Probes:
    """The connections over which the steps are asked how they are."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def get(self, url: str) -> dict[str, Any]:
        """Return a JSON document; raises Unavailable for any other answer, and for none."""
        if self._session is None:  # it belongs to the event loop that runs now
            self._session = aiohttp.ClientSession(
                # A kept connection leads to one pod, which may be the one that is stopping while others serve.
                connector=aiohttp.TCPConnector(force_close=True),
                timeout=PROBE,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        try:
            async with self._session.get(url, allow_redirects=False) as answer:
                if answer.status != 200:  # noqa: PLR2004 -- OK
                    raise Unavailable("A step says that it cannot serve now.")
                document: dict[str, Any] = await answer.json(content_type=None)
                return document
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise Unavailable("A step cannot be reached; try again.") from error

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


class RemoteStep:
    """A `Served` behind an address: infers over the graph's transport, describes itself over REST."""

    def __init__(self, target: Target, transport: Transport, probes: Probes) -> None:
        self._target = target
        self._transport = transport
        self._probes = probes
        self._base = _model_url(target)
        self._described = float("-inf")
        self.name = target.model
        self.platform = ""
        self.versions: tuple[str, ...] = ()
        self.inputs: tuple[TensorSpec, ...] = ()
        self.outputs: tuple[TensorSpec, ...] = ()

    async def infer(self, message: Message, *, deadline: float | None = None) -> Message:
        """Ask the step."""
        return answer_of(await self._transport.send(self._target, Body.of_message(message), (), deadline))

    async def check(self) -> None:
        """Raise Unavailable where the step does not say that it is ready; learn what it is where that is old."""
        await self._asked(f"{self._base}/ready")
        if time.monotonic() - self._described > METADATA_FRESH:
            self._describe(await self._asked(self._base))
            self._described = time.monotonic()

    async def _asked(self, url: str) -> dict[str, Any]:
        """Ask pods of the step, one after another, until one answers."""
        for left in reversed(range(TRIES)):
            try:
                return await self._probes.get(url)
            except Unavailable:
                if not left:
                    raise
        raise AssertionError("every try returns or raises")

    def _describe(self, document: dict[str, Any]) -> None:
        """Take over what the step says of itself."""
        try:
            self.versions = tuple(map(str, document.get("versions") or ()))
            self.platform = str(document.get("platform", ""))
            self.inputs = tuple(map(_spec, document.get("inputs") or ()))
            self.outputs = tuple(map(_spec, document.get("outputs") or ()))
        except (KeyError, TypeError, ValueError) as error:
            raise Unavailable("A step describes itself in another way than the protocol's.") from error


def _spec(document: dict[str, Any]) -> TensorSpec:
    """Read one tensor of the metadata."""
    return TensorSpec(str(document["name"]), str(document["datatype"]), tuple(map(int, document["shape"])))


def _model_url(target: Target) -> str:
    """The address of the model's metadata: that of its inference without the last word and the query."""
    parts = urlsplit(target.url or service_url(target.service))
    return urlunsplit((parts.scheme, parts.netloc, parts.path.removesuffix("/infer"), "", ""))
