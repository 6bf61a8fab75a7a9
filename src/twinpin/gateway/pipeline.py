"""Pipeline: the seam between the gateway and the graph, be it run here or by KServe's router."""

import logging
from collections.abc import Mapping
from typing import Any, Protocol

from twinpin.graph.body import Body
from twinpin.graph.executor import Executor
from twinpin.graph.transport import Headers, Reply, Target, Transport
from twinpin.step import tracing
from twinpin.step.errors import BY_STATUS, Broken, DeadlineExceeded, TwinpinError, Unavailable, UnknownEntities
from twinpin.step.outages import Outages
from twinpin.step.step import Message

log = logging.getLogger(__name__)

_UNREACHABLE = "A step of the graph cannot be reached; try again."
_BEHIND = "a step behind the router"
_NO_TIME = "The graph did not answer in time; send fewer rows or try again."


class Pipeline(Protocol):
    """Takes a request's body through the whole graph."""

    async def forecast(self, body: Body, headers: Headers = (), *, deadline: float | None = None) -> Message:
        """Answer one request, or raise an error of `twinpin.step.errors`: DeadlineExceeded at the *deadline*.

        That is in seconds of `time.monotonic`.
        """

    async def aclose(self) -> None:
        """Let go of connections; called once, after the last request."""


class GraphPipeline:
    """Runs the graph document here, over the executor's transport: in process, or gRPC to the steps."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def forecast(self, body: Body, headers: Headers = (), *, deadline: float | None = None) -> Message:
        """Run the graph once."""
        if tracing.recording() is None:
            return answer_of(await self._executor.run(body, headers, deadline=deadline))
        with tracing.span("graph"):
            return answer_of(await self._executor.run(body, headers, deadline=deadline))

    async def aclose(self) -> None:
        """Close the executor's transport."""
        await self._executor.aclose()


class RemoteGraph:
    """Sends requests to an InferenceGraph that KServe's router runs elsewhere."""

    def __init__(self, transport: Transport, url: str) -> None:
        self._transport = transport
        self._target = Target(url=url)
        self._outages = Outages(log)

    async def forecast(self, body: Body, headers: Headers = (), *, deadline: float | None = None) -> Message:
        """Send the body to the router's address."""
        work = self._ask(body, headers, deadline)
        return await (work if tracing.recording() is None else tracing.recorded(work, "graph", client=True))

    async def _ask(self, body: Body, headers: Headers, deadline: float | None) -> Message:
        """Let the trace context travel in the body, since the router drops headers; the answer has none."""
        body = body.with_parameters(dict(tracing.outgoing()))
        reply = await self._transport.send(self._target, body, headers, deadline)
        cause = None if reply.ok else _document(reply.body).get("cause")
        if cause is None:
            self._outages.answered(_BEHIND)
        else:
            self._outages.failed(_BEHIND, str(cause))
        answer = answer_of(reply)
        tracing.take(answer.parameters)
        return answer

    async def aclose(self) -> None:
        """Close the connections to the router."""
        await self._transport.aclose()


def answer_of(reply: Reply) -> Message:
    """Read the last step's answer, or raise its error again."""
    if not reply.ok:
        raise error_of(reply)
    try:
        return reply.body.message()
    except TwinpinError as error:
        raise Broken("The graph's last step did not answer with tensors.") from error


def error_of(reply: Reply) -> TwinpinError:
    """Make the error again that a step answered with."""
    document = _document(reply.body)
    sentence = document.get("error")
    if not isinstance(sentence, str):
        sentence = f"A step of the graph answered with status {reply.status} and no reason."
    if "cause" in document:  # the router's own: its cause names an internal address, so it stays here
        return _router_error(str(document["cause"]))
    if reply.status == UnknownEntities.status and isinstance(document.get("missing"), dict):
        return UnknownEntities(sentence, {str(key): str(each) for key, each in document["missing"].items()})
    kind = BY_STATUS.get(reply.status)
    if kind is None:
        return Unavailable(_UNREACHABLE) if reply.status in {502, 503} else Broken(sentence)
    error = kind(sentence)
    error.retry_after = reply.retry_after if reply.retry_after is not None else error.retry_after
    return error


def _router_error(cause: str) -> TwinpinError:
    """KServe's router says 500 for whatever it could not reach or wait for, and tells why in Go's words."""
    if "Timeout exceeded" in cause or "deadline exceeded" in cause:
        return DeadlineExceeded(_NO_TIME)
    return Unavailable(_UNREACHABLE)


def _document(body: Body) -> Mapping[str, Any]:
    """Read an error's JSON object; a body of another kind says nothing."""
    try:
        document = body.json()
    except TwinpinError:
        return {}
    return document if isinstance(document, dict) else {}
