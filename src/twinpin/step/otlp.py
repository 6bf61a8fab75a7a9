"""OpenTelemetry: spans by its SDK, sent over OTLP; the only module that imports it, and only where traces are wanted.

The standard variables (OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER, OTEL_BSP_…,
OTEL_EXPORTER_OTLP_…) are the SDK's to read. Its global provider is left alone: other libraries of the process would
send spans of their own.
"""

import logging
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http import trace_exporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    TraceState,
    set_span_in_context,
)
from opentelemetry.trace import Span as SdkSpan

from twinpin.step.outages import Outages
from twinpin.step.trace import TraceContext, fresh
from twinpin.version import __version__

log = logging.getLogger(__name__)

#: What the log calls whoever takes the spans.
COLLECTOR = "the collector of traces"
#: Seconds that the last spans of a process have to leave it.
GOODBYE = 3.0
_EMPTY = Context()


class Span:
    """One span of a request that is recorded."""

    __slots__ = ("_span", "_tracer")

    def __init__(self, tracer: Tracer, made: SdkSpan) -> None:
        self._tracer = tracer
        self._span = made

    @property
    def context(self) -> TraceContext:
        """Its place in the trace."""
        return _context(self._span.get_span_context())

    def child(self, name: str, attributes: Mapping[str, str | int | float | bool] | None, *, client: bool) -> "Span":
        """Begin a span below it."""
        kind = SpanKind.CLIENT if client else SpanKind.INTERNAL
        around = set_span_in_context(self._span, _EMPTY)
        return Span(self._tracer, self._tracer.start_span(name, around, kind, attributes))

    def put(self, attributes: Mapping[str, str | int | float | bool]) -> None:
        """Say more of it."""
        self._span.set_attributes(attributes)

    def fail(self, error: BaseException | None) -> None:
        """Mark it as failed, with the error and what stands behind it."""
        if error is not None:
            self._span.record_exception(error)
        self._span.set_status(StatusCode.ERROR, None if error is None else str(error))

    def end(self) -> None:
        """End it now."""
        self._span.end()


class Recorder:
    """Makes spans, and sends them in batches from a thread of its own; ValueError: a variable is wrong."""

    def __init__(self, service: str) -> None:
        self._ids = _Ids()
        self._provider = TracerProvider(resource=_resource(service), id_generator=self._ids, shutdown_on_exit=False)
        self._sampler = self._provider.sampler
        exporter = _Exporter()
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        exporter.listen()
        self._tracer = self._provider.get_tracer("twinpin", __version__)

    def begin(
        self, name: str, carried: TraceContext | None, began: int
    ) -> tuple[Span | None, Callable[[], TraceContext]]:
        """Begin a request's first span here, *began* in nanoseconds of the clock, and tell how to find its place.

        None in the place of the span where it is not sampled: the sampler is asked first, since a span that the SDK
        makes and drops costs three times as much.
        """
        place = fresh() if carried is None else carried
        number, around = int(place.trace_id, 16), _EMPTY if carried is None else _around(carried)
        asked = self._sampler.should_sample(around, number, name, SpanKind.SERVER)
        if asked.decision is not Decision.RECORD_AND_SAMPLE:
            return None, partial(_dropped, place)
        self._ids.chosen = number
        made = self._tracer.start_span(name, around, SpanKind.SERVER, start_time=began)
        span = Span(self._tracer, made) if made.is_recording() else None
        return span, partial(_context, made.get_span_context())

    def stop(self) -> None:
        """Send what is left, as long as that takes no longer than GOODBYE."""
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        ending.join(GOODBYE)


class _Ids(RandomIdGenerator):
    """Gives a trace the id that its sampler was asked about; they begin on one thread, that of the event loop."""

    chosen = 0

    def generate_trace_id(self) -> int:
        """Return it."""
        return self.chosen


class _Exporter(trace_exporter.OTLPSpanExporter):
    """The SDK's own, which says once that its collector is gone, and once that it is back."""

    def __init__(self) -> None:
        super().__init__()
        self._outages = Outages(log)

    def listen(self) -> None:
        """Take what the SDK's exporter logs."""
        logging.getLogger(trace_exporter.__name__).addFilter(self._tell)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch."""
        result = super().export(spans)
        if result is SpanExportResult.SUCCESS:
            self._outages.answered(COLLECTOR)
        return result

    def shutdown(self) -> None:
        """Let go of the connection, and of the log."""
        super().shutdown()  # type: ignore[no-untyped-call]
        logging.getLogger(trace_exporter.__name__).removeFilter(self._tell)

    def _tell(self, record: logging.LogRecord) -> bool:
        """Take what it would log of every batch as the cause of an outage."""
        self._outages.failed(COLLECTOR, record.getMessage())
        return False


def _resource(service: str) -> Resource:
    """Describe this process, as far as the environment does not."""
    own = Resource({"service.version": __version__, "service.instance.id": socket.gethostname()})
    found = own.merge(Resource.create())
    if str(found.attributes[SERVICE_NAME]).startswith("unknown_service"):  # what the SDK says where nobody does
        return found.merge(Resource({SERVICE_NAME: service}))
    return found


def _around(carried: TraceContext) -> Context:
    """Make the SDK's form of a place in another process."""
    place = SpanContext(
        int(carried.trace_id, 16),
        int(carried.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(carried.flags),
        trace_state=TraceState.from_header([carried.state]) if carried.state else None,
    )
    return set_span_in_context(NonRecordingSpan(place), _EMPTY)


def _dropped(place: TraceContext) -> TraceContext:
    """Say that nobody records from here on; W3C wants a new place where the caller said otherwise."""
    return fresh()._replace(trace_id=place.trace_id, state=place.state) if place.sampled else place


def _context(place: SpanContext) -> TraceContext:
    """Make our form of a place in this process."""
    state = place.trace_state.to_header() if place.trace_state else ""
    return TraceContext(f"{place.trace_id:032x}", f"{place.span_id:016x}", int(place.trace_flags), state)
