"""A collector that takes OTLP over HTTP and keeps the spans."""

import contextlib
import dataclasses
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

PATIENCE = 20.0  # seconds


@dataclasses.dataclass(frozen=True)
class Span:
    """One span, ids in hexadecimal."""

    service: str
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent: str
    state: str
    failed: bool
    attributes: dict
    exceptions: list
    seconds: float


class Receiver:
    """What has come so far."""

    def __init__(self):
        self.spans = []
        self.port = 0
        #: The status that is answered: 200, or what a collector in trouble says.
        self.status = 200
        self._refused = 0
        self._came = threading.Condition()

    @property
    def variables(self):
        """The environment of a process that sends its traces here, soon."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.port}", "OTEL_BSP_SCHEDULE_DELAY": "50"}

    def take(self, body):
        """Keep the spans of one request."""
        with self._came:
            self.spans += list(_spans(ExportTraceServiceRequest.FromString(body)))
            self._came.notify_all()

    def refuse(self):
        """Count what was not taken."""
        with self._came:
            self._refused += 1
            self._came.notify_all()

    def refused(self, number):
        """Wait until so many requests were not taken."""
        with self._came:
            assert self._came.wait_for(lambda: self._refused >= number, PATIENCE)

    def of(self, trace_id, number=0, names=()):
        """Wait for so many spans of a trace, and for one of each name; return all that came of it."""

        def mine():
            return [span for span in self.spans if span.trace_id == trace_id]

        def all_there():
            spans = mine()
            return len(spans) >= number and {span.name for span in spans} >= set(names)

        with self._came:
            self._came.wait_for(all_there, PATIENCE)
            return mine()


def _spans(request):
    """Read what a process sent."""
    for resource in request.resource_spans:
        service = _attributes(resource.resource.attributes)["service.name"]
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Span(
                    service,
                    span.name,
                    span.kind,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    span.trace_state,
                    span.status.code == Status.STATUS_CODE_ERROR,
                    _attributes(span.attributes),
                    [_attributes(event.attributes)["exception.type"] for event in span.events],
                    (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
                )


def _attributes(found):
    """Read attributes of any kind."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in found}


@contextlib.contextmanager
def receiving():
    """Listen on a free loopback port."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path == "/v1/traces" and receiver.status == 200:
                receiver.take(body)
            else:
                receiver.refuse()
            self.send_response(receiver.status if self.path == "/v1/traces" else 404)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_words):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_address[1]
    serving = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    serving.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
