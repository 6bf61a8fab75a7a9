"""The Open Inference Protocol over gRPC for any list of `Served`, and grpc.health.v1 beside it.

A failed call has the status of its error's class. Trailing metadata carries what a status cannot: `twinpin-status`, the
status that REST would give, `twinpin-error-bin`, the error document as JSON, and `retry-after` in seconds.
"""

import logging
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import grpc
import orjson
from google.protobuf.message import DecodeError

from twinpin.step import journal, protocol, tracing
from twinpin.step.block import rows_of
from twinpin.step.descriptors import published_name
from twinpin.step.encode import select
from twinpin.step.errors import Broken, Malformed, TwinpinError
from twinpin.step.health import HEALTH_SERVICE, NOT_SERVING, SERVING, HealthCheckRequest, HealthCheckResponse
from twinpin.step.lifecycle import Lifecycle
from twinpin.step.limits import Limits
from twinpin.step.models import EXTENSIONS, SERVER, VERSION, Models
from twinpin.step.protocol import DOCUMENT_KEY, STATUS_KEY, Proto
from twinpin.step.served import Served
from twinpin.step.step import TensorSpec
from twinpin.step.telemetry import count_entities, observe
from twinpin.step.trace import TRACEPARENT, TRACESTATE, TraceContext, read

log = logging.getLogger(__name__)

# gRPC clients begin to refuse trailing metadata at 8 KB in all, and lose the status with it. The document travels in
# base64; in the details a character beyond ASCII takes six to twelve bytes.
MAX_DOCUMENT = 3000  # bytes
MAX_DETAILS = 3000  # bytes

# As REST counts, for logs and traces.
_OK = 200

Call: TypeAlias = grpc.aio.ServicerContext
#: Name and value of each header of a call; gRPC makes them anew each time that they are asked for.
Metadata: TypeAlias = Sequence[tuple[str, str | bytes]]
Handler: TypeAlias = Callable[[Proto, Call], Awaitable[Proto]]


#: Milliseconds after which a connection ends, its calls finished: a client looks its names up anew only when one ends,
#: and so finds the pods that an autoscaler added.
CONNECTION_AGE = 30_000


def grpc_server(
    models: Sequence[Served], limits: Limits, lifecycle: Lifecycle | None = None, *, age: int = CONNECTION_AGE
) -> grpc.aio.Server:
    """Make a server without a port: the inference service and grpc.health.v1; add a port, start it, stop it.

    It must be made on the running event loop. *age* in milliseconds.
    """
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", limits.max_body_bytes),
            ("grpc.max_send_message_length", -1),
            # Without this, two servers could listen on one port and share its connections in silence.
            ("grpc.so_reuseport", 0),
            # A client may keep its connection alive as often as KServe's and Envoy's do.
            ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.max_connection_age_ms", age),
            ("grpc.max_connection_age_grace_ms", int(limits.request_timeout * 1000)),
        ]
    )
    lifecycle = lifecycle or Lifecycle()
    front = _Front(Models(models, lifecycle), limits, lifecycle)
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(
                protocol.SERVICE,
                {
                    "ModelInfer": _rpc("infer", protocol.SealedRequest, front.infer, traced=True),
                    "ModelReady": _rpc("model_ready", protocol.ModelReadyRequest, front.model_ready),
                    "ModelMetadata": _rpc("metadata", protocol.ModelMetadataRequest, front.model_metadata),
                    "ServerLive": _rpc("live", protocol.ServerLiveRequest, front.live),
                    "ServerReady": _rpc("ready", protocol.ServerReadyRequest, front.ready),
                    "ServerMetadata": _rpc("server", protocol.ServerMetadataRequest, front.server),
                },
            ),
            grpc.method_handlers_generic_handler(
                HEALTH_SERVICE, {"Check": _rpc("health", HealthCheckRequest, front.health)}
            ),
        )
    )
    return server


def _rpc(label: str, request_class: Proto, handler: Handler, *, traced: bool = False) -> grpc.RpcMethodHandler:
    """Wrap a handler: parse, answer, and turn what it raises into a status; *traced*: with a trace and a line each."""
    label = f"grpc_{label}"

    async def call(raw: bytes, context: Call) -> bytes:
        """Answer one call."""
        started = time.monotonic()
        status, outcome = "CANCELLED", tracing.CLIENT_GONE
        fault: Exception | None = None
        try:
            answer = await handler(_parse(request_class, raw), context)
            encoded: bytes = answer.SerializeToString()
        except TwinpinError as error:
            status, outcome, fault = error.code, error.status, error
            await _abort(context, error)
        except grpc.aio.AbortError:
            raise
        except Exception as error:
            if not traced:
                log.exception("%s failed", label)
            status, outcome, fault = Broken.code, Broken.status, error
            await _abort(context, Broken("the server failed on this request; its log has the cause"))
        else:
            status, outcome = "OK", _OK
            return encoded
        finally:
            observe(label, status, time.monotonic() - started, tracing.recorded_id())
            if traced:
                _end(label, context, started, outcome, fault)
        raise AssertionError("abort raises")

    # Parsed here and not by grpc, which would answer INTERNAL to bytes that are no message.
    return grpc.unary_unary_rpc_method_handler(call)


def _begin(label: str, metadata: Metadata, parameters: dict[str, Any], started: float) -> tracing.Trace:
    """Join the trace that the metadata name, else the *parameters*, which lose it; else begin one."""
    sent = tracing.take(parameters)
    return tracing.begin(label, lambda: _carried(metadata) or read(*sent), started)


def _carried(metadata: Metadata) -> TraceContext | None:
    """Read the trace context of a call's metadata, where one value of a name counts."""
    parent: object = None
    state: object = None
    for name, value in metadata:
        if name == TRACEPARENT:
            parent = value
        elif name == TRACESTATE:
            state = value
    return read(parent, state)


def _end(label: str, context: Call, started: float, status: int, error: Exception | None) -> None:
    """Write the call's line in the log, where it gets one, and end its part of the trace."""
    trace = tracing.current()
    if trace is None:
        if status == _OK:
            return
        trace = _begin(label, context.invocation_metadata(), {}, started)  # refused before anything of it was read
    if journal.wanted(trace, status):
        journal.write(trace, label, status, time.monotonic() - started, error)
    if trace.span is not None:
        code = "OK" if status == _OK else getattr(error, "code", Broken.code)
        method = {"rpc.system": "grpc", "rpc.service": protocol.SERVICE, "rpc.method": "ModelInfer"}
        trace.span.put({**method, "rpc.grpc.status_code": grpc.StatusCode[code].value[0]})
    tracing.end(trace, status, error)


def _parse(request_class: Proto, raw: bytes) -> Proto:
    """Parse a request message."""
    try:
        return request_class.FromString(raw)
    except DecodeError as error:
        raise Malformed(f"the bytes are no {published_name(request_class)}") from error


async def _abort(context: Call, error: TwinpinError) -> None:
    """End the call with the error's status; what only REST can say goes into trailing metadata, as far as it fits."""
    details = error.message[: MAX_DETAILS if error.message.isascii() else MAX_DETAILS // 12]
    document = orjson.dumps(error.document)
    if len(document) > MAX_DOCUMENT:
        document = orjson.dumps({"error": details})
    metadata: list[tuple[str, str | bytes]] = [
        (STATUS_KEY, str(error.status)),
        (DOCUMENT_KEY, document),
    ]
    if error.retry_after is not None:
        metadata.append(("retry-after", str(math.ceil(error.retry_after))))
    await context.abort(grpc.StatusCode[error.code], details, tuple(metadata))


class _Front:
    """The handlers of all methods."""

    def __init__(self, models: Models, limits: Limits, lifecycle: Lifecycle) -> None:
        self._models = models
        self._limits = limits
        self._lifecycle = lifecycle

    async def infer(self, request: Proto, context: Call) -> Proto:
        """Answer one inference; grpc cancels it when the client goes or its deadline passes."""
        started = time.monotonic()
        self._lifecycle.called()
        model = self._models.find(request.model_name, request.model_version)
        message = protocol.request_message(request)
        metadata = context.invocation_metadata()
        trace = _begin("grpc_infer", metadata, message.parameters, started)
        rows = rows_of(message.tensors)
        trace.request_id, trace.rows = message.id, rows
        self._limits.admit(message)
        count_entities("grpc_infer", rows)
        left = context.time_remaining()
        seconds = self._limits.request_timeout if left is None else min(left, self._limits.request_timeout)
        answer = await model.infer(message, deadline=time.monotonic() + seconds)
        return protocol.response_proto(
            select(answer, message.requested), model.name, together=protocol.TOGETHER in metadata
        )

    async def model_ready(self, request: Proto, _context: Call) -> Proto:
        """Tell whether one model serves; nothing is ever loaded here."""
        model = self._models.find(request.name, request.version)
        return protocol.ModelReadyResponse(ready=await self._models.ready(model))

    async def model_metadata(self, request: Proto, _context: Call) -> Proto:
        """Describe one model."""
        model = self._models.find(request.name, request.version)
        answer = protocol.ModelMetadataResponse(name=model.name, versions=model.versions, platform=model.platform)
        _put_specs(answer.inputs, model.inputs)
        _put_specs(answer.outputs, model.outputs)
        return answer

    async def live(self, _request: Proto, _context: Call) -> Proto:
        """Tell that the event loop turns."""
        return protocol.ServerLiveResponse(live=True)

    async def ready(self, _request: Proto, _context: Call) -> Proto:
        """Tell whether every model serves."""
        return protocol.ServerReadyResponse(ready=await self._models.ready())

    async def server(self, _request: Proto, _context: Call) -> Proto:
        """Describe the server."""
        return protocol.ServerMetadataResponse(name=SERVER, version=VERSION, extensions=EXTENSIONS)

    async def health(self, request: Proto, _context: Call) -> Proto:
        """Answer a probe for the whole server (""), the inference service, or one model by name."""
        models = () if request.service in ("", protocol.SERVICE) else (self._models.find(request.service),)
        return HealthCheckResponse(status=SERVING if await self._models.ready(*models) else NOT_SERVING)


def _put_specs(into: Proto, specs: Sequence[TensorSpec]) -> None:
    """Describe tensors."""
    for spec in specs:
        into.add(name=spec.name, datatype=spec.datatype, shape=spec.shape)
