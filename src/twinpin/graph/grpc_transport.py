"""The transport to steps over gRPC: raw tensors, spread over all pods of a headless Service."""

import logging
import re
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import grpc
import orjson

from twinpin.graph.body import Body, Form
from twinpin.graph.transport import Headers, Reply, Target
from twinpin.step import protocol, tracing
from twinpin.step.errors import BY_STATUS, Broken, DeadlineExceeded, TooLarge, TwinpinError, Unavailable
from twinpin.step.outages import Outages

log = logging.getLogger(__name__)
_SERVICE_CONFIG = orjson.dumps({"loadBalancingConfig": [{"round_robin": {}}]}).decode()
_OPTIONS = [
    ("grpc.service_config", _SERVICE_CONFIG),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # Finds a pod that went without a word; servers of ours take a ping every 10 s.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # New pods are noticed when the name is looked up again, which happens when a connection is lost.
    ("grpc.dns_min_time_between_resolutions_ms", 5_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
]
#: gRPC status -> HTTP status, where the server says no more than its gRPC status.
_STATUS = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.FAILED_PRECONDITION: 409,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 404,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}
#: Names that gRPC takes for text, less those that it sets and those of an HTTP body.
_METADATA = re.compile(r"(?!grpc-|accept|content-|user-agent$)[0-9a-z_.-]+(?<!-bin)")


class Grpc:
    """Steps by the host of their `serviceUrl` (or their `serviceName`) at one port, the model by its path.

    The query `?answer=request` means nothing here: a Message is neither request nor response.
    """

    def __init__(self, *, port: int = 8081, locate: Callable[[Target], str] | None = None, again: bool = False) -> None:
        """*locate* returns each step's gRPC target; default: `dns:///host:port`, so that every pod gets its share.

        With *again*, for calls that may run twice, what a stopping pod refuses or breaks off is asked of another, once.
        """
        self._port = port
        self._attempts = 2 if again else 1
        self._locate = locate or self._address
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._calls: dict[Target, grpc.aio.UnaryUnaryMultiCallable] = {}
        self._outages = Outages(log)

    async def send(self, target: Target, body: Body, headers: Headers, deadline: float | None) -> Reply:
        """Call ModelInfer; a status that the server gave is its answer, one that gRPC itself gave is none."""
        work = self._send(target, body, headers, deadline)
        if tracing.recording() is None:
            return await work
        with tracing.span(f"call {target.name or target.model}", {tracing.STEP: target.model}, client=True) as span:
            reply = await work
            span.put({tracing.STATUS: reply.status})
            return reply

    async def _send(self, target: Target, body: Body, headers: Headers, deadline: float | None) -> Reply:
        """Write the request, call, and read the answer."""
        try:
            request = body.proto(target.model, target.version)
        except TwinpinError as error:
            return Reply.of_error(error)  # what the step itself would say to these bytes
        try:
            answer = await self._answer(target, request, headers, deadline)
        except grpc.aio.AioRpcError as error:
            if _is_outage(error):
                self._outages.failed(target.label, error.details() or error.code().name)
            return _failure(target, error)
        self._outages.answered(target.label)
        form: Form = "request" if target.answers_request else "response"
        return Reply(200, Body.of_answer(answer, form))

    async def _answer(
        self, target: Target, request: protocol.Proto, headers: Headers, deadline: float | None
    ) -> protocol.Proto:
        """Call once, or once more after an outage; raises AioRpcError."""
        for left in reversed(range(self._attempts)):
            remaining = None if deadline is None else deadline - time.monotonic()
            if remaining is not None and remaining <= 0:
                raise DeadlineExceeded(f"the time for the request was over before {target.label} began")
            try:
                return await self._call(target)(request, timeout=remaining, metadata=_metadata(headers))
            except grpc.aio.AioRpcError as error:
                if not (left and _is_outage(error)):
                    raise
        raise AssertionError("every attempt returns or raises")

    async def aclose(self) -> None:
        """Close all channels."""
        for channel in self._channels.values():
            await channel.close()

    def _address(self, target: Target) -> str:
        """Write the name whose every address gets its share."""
        host = urlsplit(target.url).hostname if target.url else target.service
        return f"dns:///{host}:{self._port}"

    def _call(self, target: Target) -> grpc.aio.UnaryUnaryMultiCallable:
        """Return the call for a step; steps at one address share a channel."""
        call = self._calls.get(target)
        if call is None:
            address = self._locate(target)
            if address not in self._channels:
                self._channels[address] = grpc.aio.insecure_channel(address, options=_OPTIONS)
            call = self._channels[address].unary_unary(
                protocol.MODEL_INFER,
                request_serializer=protocol.SealedRequest.SerializeToString,
                response_deserializer=protocol.SealedResponse.FromString,
            )
            self._calls[target] = call
        return call


def _metadata(headers: Headers) -> list[tuple[str, str]]:
    """Take the headers that gRPC can carry and does not set itself, and say that blocks are read here."""
    named = [(name.lower(), value) for name, value in headers]
    taken = [(name, value) for name, value in named if _METADATA.fullmatch(name) and value.isascii()]
    return [protocol.TOGETHER, *taken, *tracing.outgoing()]


def _is_outage(error: grpc.aio.AioRpcError) -> bool:
    """Tell whether it was gRPC that spoke of the step, and not the step itself."""
    if protocol.STATUS_KEY in dict(error.trailing_metadata() or ()):
        return False
    return error.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}


def _failure(target: Target, error: grpc.aio.AioRpcError) -> Reply:
    """Make the step's answer from what it said, or raise where it was not the step that spoke."""
    trailing = dict(error.trailing_metadata() or ())
    code = error.code()
    if protocol.STATUS_KEY in trailing and protocol.DOCUMENT_KEY in trailing:
        document = orjson.loads(trailing[protocol.DOCUMENT_KEY])
        retry = trailing.get("retry-after")
        return Reply(int(trailing[protocol.STATUS_KEY]), Body.of_json(document), float(retry) if retry else None)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        raise DeadlineExceeded(f"{target.label} did not answer in the time allowed") from error
    if _is_outage(error):
        raise Unavailable(f"{target.label} cannot be reached, or broke off its answer; try again") from error
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in (error.details() or ""):
        return Reply.of_error(TooLarge(f"{target.label} does not take a request of this size; send fewer rows"))
    kind = BY_STATUS.get(_STATUS.get(code, 500), Broken)
    # A server that is not ours may put an address or a path into its details: they stay in the log.
    return Reply.of_error(kind(f"{target.label} refused the request with gRPC status {code.name}"))
