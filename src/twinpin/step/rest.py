"""The Open Inference Protocol over REST, as Starlette routes for any list of `Served`.

Rules: github.com/kserve/open-inference-protocol, open_inference_rest.yaml and the binary tensor data extension.
"""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route

from twinpin.step.block import rows_of
from twinpin.step.decode import Request, read_request
from twinpin.step.encode import encode_raw, encode_request, encode_response, encode_response_binary, select
from twinpin.step.errors import Malformed, UnknownModel
from twinpin.step.exchange import ANY_METHOD, Endpoint, Exchange, Handler, Reply, document
from twinpin.step.lifecycle import Lifecycle
from twinpin.step.limits import Limits
from twinpin.step.models import EXTENSIONS, SERVER, VERSION, Models
from twinpin.step.served import Served
from twinpin.step.step import Message, TensorSpec
from twinpin.step.telemetry import count_entities
from twinpin.step.tracing import Trace

#: Length of the JSON before binary data, in requests and answers alike.
HEADER_LENGTH = b"inference-header-content-length"
OCTETS = b"application/octet-stream"
_MODEL = "/v2/models/{model}"


def routes(models: Sequence[Served], limits: Limits, lifecycle: Lifecycle | None = None) -> list[BaseRoute]:
    """Return the routes below /v2 for *models*; anything else below /v2 is a 404 of the protocol's shape.

    /v2/health/ready is 200 when every model's `check` passes and *lifecycle* is not draining, else 503.
    A request's own deadline comes as header x-request-timeout, in seconds. With the query `?answer=request` the answer
    is the next step's request (`inputs`) in place of a response (`outputs`); with `?answer=raw` the same in the form
    of `twinpin.step.raw`.
    """
    front = _Front(Models(models, lifecycle), limits)
    found: list[BaseRoute] = [
        *_versioned("/infer", Endpoint("infer", front.infer, ("POST",), traced=True)),
        *_versioned("/ready", Endpoint("model_ready", front.model_ready)),
        *_versioned("", Endpoint("metadata", front.metadata)),
    ]
    plain: dict[str, tuple[str, Handler]] = {
        "/v2/health/live": ("live", front.live),
        "/v2/health/ready": ("ready", front.ready),
        "/v2/models": ("models", front.list),
        "/v2": ("server", front.server),
        "/v2/": ("server", front.server),  # as open_inference_rest.yaml writes it; the text has no slash
    }
    found += [Route(path, Endpoint(label, handler)) for path, (label, handler) in plain.items()]
    found.append(Route("/v2/{rest:path}", Endpoint("unknown", front.unknown, ANY_METHOD)))
    return found


def _versioned(tail: str, endpoint: Endpoint) -> list[BaseRoute]:
    """Route one path of a model, with and without a version."""
    return [Route(f"{_MODEL}{tail}", endpoint), Route(f"{_MODEL}/versions/{{version}}{tail}", endpoint)]


class _Front:
    """The handlers of all routes."""

    def __init__(self, models: Models, limits: Limits) -> None:
        self._models = models
        self._limits = limits

    async def infer(self, exchange: Exchange) -> Reply:
        """Answer one inference."""
        model = self._find(exchange)
        deadline = exchange.deadline(self._limits.request_timeout)
        form = _form(exchange)
        header_length = exchange.length(HEADER_LENGTH)
        body = await exchange.body(self._limits.max_body_bytes, deadline)
        request = read_request(body, header_length)
        rows = rows_of(request.message.tensors)
        trace = exchange.begin(request.message.parameters, request.message.id, rows)
        self._limits.admit(request.message)
        count_entities(exchange.label, rows)
        async with exchange.unless_gone():
            answer = await model.infer(request.message, deadline=deadline)
        if form == "request":
            return Reply(encode_request(_handed_on(answer, trace)))
        if form == "raw":
            return Reply(encode_raw(_handed_on(answer, trace)), content_type=OCTETS)
        return _response(request, select(answer, request.message.requested), model.name)

    async def model_ready(self, exchange: Exchange) -> Reply:
        """Tell whether one model serves."""
        model = self._find(exchange)
        await self._models.check(model)
        return document({"name": model.name, "ready": True})

    async def metadata(self, exchange: Exchange) -> Reply:
        """Describe one model."""
        model = self._find(exchange)
        return document(
            {
                "name": model.name,
                "versions": model.versions,
                "platform": model.platform,
                "inputs": [_spec(spec) for spec in model.inputs],
                "outputs": [_spec(spec) for spec in model.outputs],
            }
        )

    async def live(self, _exchange: Exchange) -> Reply:
        """Tell that the event loop turns."""
        return document({"live": True})

    async def ready(self, _exchange: Exchange) -> Reply:
        """Tell whether every model serves."""
        await self._models.check()
        return document({"ready": True})

    async def list(self, _exchange: Exchange) -> Reply:
        """List the models, as KServe does."""
        return document({"models": [*self._models]})

    async def server(self, _exchange: Exchange) -> Reply:
        """Describe the server."""
        return document({"name": SERVER, "version": VERSION, "extensions": EXTENSIONS})

    async def unknown(self, exchange: Exchange) -> Reply:
        """Refuse a path that the protocol does not have."""
        raise UnknownModel(f"there is no {exchange.scope['path'][:200]!r} here; see /v2/models for what there is")

    def _find(self, exchange: Exchange) -> Served:
        """Find the model that the path names."""
        return self._models.find(exchange.path["model"], exchange.path.get("version"))


def _handed_on(answer: Message, trace: Trace) -> Message:
    """Let the trace context travel to the next step, which gets this answer as its request."""
    parameters = {**answer.parameters, **trace.handed}
    return Message(answer.tensors, parameters, answer.id, answer.requested, answer.version)


def _form(exchange: Exchange) -> str:
    """Read the query `answer`: a step's place in the graph decides in which form it answers."""
    form = exchange.query("answer") or "response"
    if form not in ("request", "raw", "response"):
        raise Malformed(f"the query answer={form!r} is unknown; it may be request, raw or response")
    return form


def _response(request: Request, answer: Message, model_name: str) -> Reply:
    """Write a response, with binary outputs where the client wants any."""
    if not request.wants_binary:
        return Reply(encode_response(answer, model_name))
    body, length = encode_response_binary(answer, model_name, request.binary)
    if length == len(body):
        return Reply(body)
    header = (b"Inference-Header-Content-Length", b"%d" % length)
    return Reply(body, content_type=OCTETS, headers=(header,))


def _spec(spec: TensorSpec) -> dict[str, object]:
    """Describe one tensor."""
    return {"name": spec.name, "datatype": spec.datatype, "shape": spec.shape}


__all__ = ["HEADER_LENGTH", "Limits", "routes"]
