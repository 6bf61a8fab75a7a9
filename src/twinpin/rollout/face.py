"""Face: the controller's own small HTTP server: webhook, metrics, health.

It shares the loop with the controller, so a loop that hangs is a probe without an answer.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from twinpin.pair.settings import Settings as PairSettings
from twinpin.rollout.metrics import Metrics
from twinpin.rollout.pulse import Pulse
from twinpin.rollout.settings import FaceSettings
from twinpin.rollout.webhook import ANSWERS, Deliveries
from twinpin.step.head import BoundedHead
from twinpin.step.telemetry import metrics_route

log = logging.getLogger(__name__)

#: Bytes of a delivery, and seconds in which all of them have to arrive: MLflow's are of some hundred.
MAX_BODY = 64 << 10
BODY_SECONDS = 10.0
#: Seconds for answers under way when the controller ends.
GRACE = 2

#: No port at all.
NONE = -1


class CannotListen(Exception):
    """The port is taken, or the address is none of ours."""


class Face:
    """Answers for one controller; without *deliveries* it takes no webhook."""

    def __init__(self, pulse: Pulse, metrics: Metrics, deliveries: Deliveries | None) -> None:
        self._pulse = pulse
        self._metrics = metrics
        self._deliveries = deliveries

    def app(self) -> Starlette:
        """Make the application."""
        return Starlette(
            routes=[
                Route("/mlflow", self.mlflow, methods=["POST"]),
                Route("/livez", self.livez, methods=["GET"]),
                Route("/readyz", self.readyz, methods=["GET"]),
                metrics_route(registry=self._metrics.registry),
            ]
        )

    async def mlflow(self, request: Request) -> Response:
        """Take a delivery for a hint to look now."""
        outcome = await self._judged(request)
        self._metrics.delivered(outcome)
        if outcome == "accepted":
            self._pulse.hint()
        status, sentence = ANSWERS[outcome]
        return JSONResponse({"message" if status == HTTPStatus.ACCEPTED else "error": sentence}, status)

    async def livez(self, _request: Request) -> Response:
        """Say whether the loop goes round."""
        if late := self._pulse.late:
            sentence = f"The controller has been stuck for {late:.0f} s."
            log.warning("%s", sentence)
            return JSONResponse({"error": sentence}, HTTPStatus.SERVICE_UNAVAILABLE)
        return JSONResponse({"status": "ok"})

    async def readyz(self, _request: Request) -> Response:
        """Say whether it works or stands by."""
        if self._pulse.ready:
            return JSONResponse({"status": "ok"})
        return JSONResponse(
            {"error": "The API server does not say whose the lease is."}, HTTPStatus.SERVICE_UNAVAILABLE
        )

    async def _judged(self, request: Request) -> str:
        """Read the body within its limits, and judge it."""
        if self._deliveries is None:
            return "off"
        body = b""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > MAX_BODY:
                        return "too_large"
        except (TimeoutError, ClientDisconnect):
            return "slow"
        return self._deliveries.judge(request.headers, body)


@contextlib.asynccontextmanager
async def opened(settings: FaceSettings, pair: PairSettings, pulse: Pulse, metrics: Metrics) -> AsyncIterator[None]:
    """Show the face of a controller that follows *pair*, unless it is to have none."""
    if settings.controller_port == NONE:
        yield
        return
    names = frozenset({pair.preprocessor_name, pair.model_name})
    secret = settings.webhook_secret
    face = Face(pulse, metrics, Deliveries(secret, names, pair.alias) if secret else None)
    async with listening(face, settings.controller_host, settings.controller_port) as port:
        log.info("Webhook, metrics and health are on port %d.", port)
        yield


@contextlib.asynccontextmanager
async def listening(face: Face, host: str, port: int) -> AsyncIterator[int]:
    """Serve a face while the block runs, and give its port; raises CannotListen."""
    listener = _listen(host, port)
    server = _Server(_config(face))
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="the controller's face")
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """uvicorn that leaves signals to the command."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _config(face: Face) -> uvicorn.Config:
    """Configure uvicorn; heads of requests are bounded in size and in time."""
    return uvicorn.Config(
        face.app(),
        http=BoundedHead,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE,
    )


def _listen(host: str, port: int) -> socket.socket:
    """Bind the port before anything is done."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise CannotListen(
            f"Cannot listen on port {port} of {host} (--controller-port, --controller-host): {error.strerror}."
        ) from error
