"""Tracing: the trace that a request in this process belongs to, and its spans where somebody records them.

The trace id is there in any case, so that the logs of all processes that a request passes share it; that costs some two
microseconds. Spans are made only where the environment names a collector (OTEL_EXPORTER_OTLP_ENDPOINT), and only of
requests that its sampler takes: nothing of OpenTelemetry is imported before.
"""

import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar

from twinpin.step.errors import CannotStart, TwinpinError
from twinpin.step.trace import TRACEPARENT, TRACESTATE, TraceContext, fresh

if TYPE_CHECKING:
    from twinpin.step.otlp import Recorder, Span

log = logging.getLogger(__name__)

T = TypeVar("T")
Attributes: TypeAlias = Mapping[str, str | int | float | bool]
#: Reads what the caller sent; None where the trace begins here.
Carried: TypeAlias = Callable[[], TraceContext | None]

#: Attributes of ours.
PAIR, ROWS, STATUS, STEP = "twinpin.pair", "twinpin.rows", "twinpin.status", "twinpin.step"
#: Statuses from which on a request was refused, and from which on that is the server's fault and not the client's.
REFUSED, FAULTS = 400, 500
#: nginx's word for a client that did not wait; nobody receives it.
CLIENT_GONE = 499


class Trace:
    """One request in this process: its place in a trace, and what its line in the log says beside that."""

    __slots__ = ("_context", "_find", "_headers", "_read", "fault", "over", "pair", "request_id", "rows", "span")

    def __init__(
        self, carried: Carried, find: Callable[[], TraceContext] | None = None, span: "Span | None" = None
    ) -> None:
        """*find*: how to find the place; where it is none, the request is at the place that was *carried* here."""
        self._read = carried
        self._find = find
        self._context: TraceContext | None = None
        self._headers: list[tuple[str, str]] | None = None
        self.span = span
        #: The pair that answers, as soon as it is known.
        self.pair: str | None = None
        self.rows: int | None = None
        self.request_id = ""
        #: The last error on the way, whose cause no answer may tell.
        self.fault: BaseException | None = None
        #: Whether its line in the log was written, or needs no more to be.
        self.over = False

    @property
    def context(self) -> TraceContext:
        """The place in the trace, found out when it is asked for: most requests are answered without."""
        if self._context is None:
            self._context = self._find() if self._find is not None else self._read() or fresh()
        return self._context

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Name and value of what a next process has to be told; written once for all steps of a graph."""
        if self._headers is None:
            self._headers = self.context.headers
        return self._headers

    @property
    def handed(self) -> dict[str, str]:
        """The parameters of an answer that is the next step's request: all steps of a graph have one parent."""
        return dict((self._read() or self.context).headers)


_TRACE: ContextVar[Trace | None] = ContextVar("trace", default=None)
_SPAN: ContextVar["Span | None"] = ContextVar("span", default=None)
_recorder: "Recorder | None" = None


#: Returns the trace of the request that is being answered here, in its task or its thread; None outside of requests.
current = _TRACE.get
#: Returns the span that is open here; None where nobody records the request, and `span` is of no use.
recording = _SPAN.get


def recorded_id() -> str | None:
    """Return the trace id of a request that is recorded, for metrics to point at; None of any other."""
    span = _SPAN.get()
    return None if span is None else span.context.trace_id


def begin(endpoint: str, carried: Carried, started: float) -> Trace:
    """Join the trace that was *carried* here, or begin one; *started* in seconds of `time.monotonic`."""
    if _recorder is None:
        trace = Trace(carried)
    else:
        began = time.time_ns() - int((time.monotonic() - started) * 1e9)
        span, find = _recorder.begin(endpoint, carried(), began)
        trace = Trace(carried, find, span)
        _SPAN.set(span)
    _TRACE.set(trace)
    return trace


def end(trace: Trace, status: int, error: BaseException | None) -> None:
    """End the request's part of the trace; *status* as REST gives it."""
    trace.over = True
    if trace.span is not None:
        told: dict[str, str | int] = {STATUS: status}
        if trace.rows is not None:
            told[ROWS] = trace.rows
        if trace.pair is not None:
            told[PAIR] = trace.pair
        trace.span.put(told)
        if status >= FAULTS:
            trace.span.fail(error)
        trace.span.end()
    trace.fault = None  # its traceback leads back here
    _SPAN.set(None)
    _TRACE.set(None)


def take(parameters: dict[str, Any]) -> tuple[object, object]:
    """Take traceparent and tracestate out of parameters, where they travel since KServe's router drops headers."""
    return parameters.pop(TRACEPARENT, None), parameters.pop(TRACESTATE, None)


def outgoing() -> list[tuple[str, str]]:
    """Name and value of the headers that tell another process what it works for; none outside of a request."""
    span = _SPAN.get()
    if span is not None:
        return span.context.headers
    trace = _TRACE.get()
    return [] if trace is None else trace.headers


def blame(error: BaseException) -> None:
    """Keep an error for the request's line in the log: what is answered in its place names no cause."""
    trace = _TRACE.get()
    if trace is not None:
        trace.fault = error


class _Recorded:
    """The block that one span is about."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: "Span") -> None:
        self._span = span
        self._token: Token[Span | None] | None = None

    def __enter__(self) -> Self:
        self._token = _SPAN.set(self._span)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            _SPAN.reset(self._token)
        if isinstance(error, TwinpinError):
            self._span.put({STATUS: error.status})
        if error is not None and getattr(error, "status", FAULTS) >= FAULTS and isinstance(error, Exception):
            self._span.fail(error)
        self._span.end()

    def put(self, attributes: Attributes) -> None:
        """Say more of the span."""
        self._span.put(attributes)


def span(name: str, attributes: Attributes | None = None, *, client: bool = False) -> _Recorded:
    """Make a span of a block, below the one around it, where `recording`; *client*: the block calls another process."""
    around = _SPAN.get()
    if around is None:
        raise RuntimeError("nobody records this request: ask `recording` first")
    return _Recorded(around.child(name, attributes, client=client))


async def recorded(work: Awaitable[T], name: str, attributes: Attributes | None = None, *, client: bool = False) -> T:
    """Wait for *work* in a span, as `span` makes it."""
    with span(name, attributes, client=client):
        return await work


def start(service: str) -> None:
    """Record spans from now on where the environment says where to; *service* is what its names call this process.

    Raises CannotStart where it contradicts itself. What is not installed is no reason not to serve: it is logged.
    """
    global _recorder  # noqa: PLW0603 -- one for the process, as its log is
    if not _wanted():
        return
    try:
        from twinpin.step.otlp import Recorder  # noqa: PLC0415 -- 0.2 s of CPU, for those who want it
    except ModuleNotFoundError as error:
        log.warning(
            "no trace is sent, though OTEL_EXPORTER_OTLP_ENDPOINT is set: %s is not installed; install twinpin[otel]",
            error.name,
        )
        return
    try:
        _recorder = Recorder(service)
    except ValueError as error:
        raise CannotStart(f"The OTEL_ variables of the environment are wrong: {error}.") from error


def stop() -> None:
    """Send what was recorded, for some seconds at most, and record no more."""
    global _recorder  # noqa: PLW0603
    if _recorder is not None:
        _recorder.stop()
        _recorder = None


def _wanted() -> bool:
    """Whether the environment asks for traces, in a form that is spoken here."""
    if not _variable("ENDPOINT") or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if os.environ.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp":
        return False
    protocol = _variable("PROTOCOL") or "http/protobuf"
    if protocol != "http/protobuf":
        log.warning(
            "no trace is sent: OTEL_EXPORTER_OTLP_PROTOCOL is %s, and http/protobuf alone is spoken here; leave it "
            "out, and name the collector's port for HTTP, most often 4318",
            protocol,
        )
        return False
    return True


def _variable(name: str) -> str:
    """Read a variable of the exporter, of traces alone or of all signals."""
    return os.environ.get(f"OTEL_EXPORTER_OTLP_TRACES_{name}") or os.environ.get(f"OTEL_EXPORTER_OTLP_{name}") or ""
