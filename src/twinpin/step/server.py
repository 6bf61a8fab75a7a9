"""Serve one step as a `kserve.Model` on `kserve.ModelServer`.

The SDK keeps what it is good at: the model registry and its V1 paths. V2 over REST and gRPC is ours (`rest`,
`grpc_service`), since the SDK's blocks its event loop, loads models inside requests and answers errors in shapes that
the protocol does not have. `ModelServer.start` is not used: it leaves signals to uvicorn, which closes the port before
readiness is off, and unloads models while requests are in flight.
"""

from starlette.routing import BaseRoute, Route, Router

from twinpin.step import openapi, protocol
from twinpin.step.errors import TwinpinError, UnknownModel
from twinpin.step.exchange import ANY_METHOD, Endpoint, Exchange, Reply
from twinpin.step.grpc_service import grpc_server
from twinpin.step.lifecycle import Lifecycle
from twinpin.step.rest import Limits, routes
from twinpin.step.runner import StepModel
from twinpin.step.sdk import (
    InferenceError,
    InferRequest,
    InferResponse,
    InvalidInput,
    Model,
    ModelServer,
    RESTServer,
    sdk_app,
    sdk_protocol,
)
from twinpin.step.serving import NO_PORT, run, serve
from twinpin.step.settings import Settings
from twinpin.step.step import Step, TensorSpec
from twinpin.step.telemetry import configure_logging, metrics_route

_CLIENT_ERRORS = range(400, 500)


class KServeModel(Model):  # type: ignore[misc]  # the SDK ships no types
    """A step as the SDK knows models; ready from the start, since a step is loaded before it is served."""

    def __init__(self, model: StepModel) -> None:
        super().__init__(model.name)
        self._model = model
        self.ready = True

    async def healthy(self) -> bool:
        """Ask the step whether it can serve now."""
        try:
            await self._model.check()
        except TwinpinError:
            return False
        return True

    def load(self) -> bool:
        """Load nothing: no request may."""
        return self.ready

    def get_input_types(self) -> list[dict[str, object]]:
        """Describe what goes in."""
        return [_type(spec) for spec in self._model.inputs]

    def get_output_types(self) -> list[dict[str, object]]:
        """Describe what comes out."""
        return [_type(spec) for spec in self._model.outputs]

    async def predict(
        self,
        payload: InferRequest | dict[str, object],
        headers: dict[str, str] | None = None,  # noqa: ARG002 -- the SDK's signature
        response_headers: dict[str, str] | None = None,  # noqa: ARG002
    ) -> InferResponse:
        """Answer the SDK's own request type; its V1 bodies are refused."""
        if not isinstance(payload, InferRequest):
            raise InvalidInput(f"send the Open Inference Protocol: POST /v2/models/{self.name}/infer")
        request = protocol.SealedRequest.FromString(payload.to_grpc().SerializeToString())
        try:
            answer = await self._model.infer(protocol.request_message(request))
        except TwinpinError as error:
            kind = InvalidInput if error.status in _CLIENT_ERRORS else InferenceError
            raise kind(error.message) from error
        response = protocol.response_proto(answer, self.name)
        return InferResponse.from_grpc(sdk_protocol.ModelInferResponse.FromString(response.SerializeToString()))


def serve_step(step: Step, settings: Settings) -> None:
    """Serve *step*, which is loaded and warm, until SIGTERM or SIGINT; then drain, and close it last."""
    configure_logging(settings.log_level, settings.log_requests)
    run(_serve(step, settings))


async def _serve(step: Step, settings: Settings) -> None:
    """Put the parts together and serve."""
    model = StepModel(
        step,
        name=settings.step_name,
        threads=settings.threads,
        max_in_flight=settings.max_in_flight,
        request_timeout=settings.request_timeout,
    )
    limits = Limits(settings.max_body_bytes, settings.max_rows, settings.request_timeout)
    lifecycle = Lifecycle()
    own = [*routes([model], limits, lifecycle), openapi.route([model]), metrics_route()]
    app = Router([*own, *_sdk_routes(model, settings)])
    app.default = Endpoint("unknown", _unknown, ANY_METHOD)
    grpc = None if settings.grpc_port == NO_PORT else grpc_server([model], limits, lifecycle)
    try:
        await serve(app, grpc, settings, lifecycle, service=f"twinpin-{model.name}")
    finally:
        await model.aclose()


def _sdk_routes(model: StepModel, settings: Settings) -> list[BaseRoute]:
    """Register the model with the SDK's server, and return the paths that we leave to the SDK's application."""
    server = ModelServer(
        http_port=settings.http_port,
        grpc_port=settings.grpc_port,
        workers=1,
        enable_grpc=False,
        enable_latency_logging=False,
    )
    server.register_model(KServeModel(model))
    place = "kserve.model_server:app"
    RESTServer(place, server.dataplane, server.model_repository_extension, settings.http_port).create_application()
    return [Route(path, sdk_app) for path in ("/", "/v1/{rest:path}")]


async def _unknown(exchange: Exchange) -> Reply:
    """Refuse a path that nobody has."""
    raise UnknownModel(f"there is no {exchange.scope['path'][:200]!r} here; the protocol begins at /v2")


def _type(spec: TensorSpec) -> dict[str, object]:
    """Describe one tensor."""
    return {"name": spec.name, "datatype": spec.datatype, "shape": list(spec.shape)}
