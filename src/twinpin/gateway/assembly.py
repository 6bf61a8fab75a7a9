"""Assembly: one gateway out of a pipeline, the steps behind it and the graph document."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from twinpin.gateway.api import ForecastAPI
from twinpin.gateway.forecasts import Forecasts
from twinpin.gateway.latencies import Latencies
from twinpin.gateway.page import Page, View
from twinpin.gateway.pipeline import Pipeline
from twinpin.gateway.settings import Settings
from twinpin.gateway.stages import Stages
from twinpin.gateway.timeseries.forecaster import SeriesForecaster
from twinpin.graph.document import InferenceGraph
from twinpin.step.grpc_service import grpc_server
from twinpin.step.lifecycle import Lifecycle
from twinpin.step.limits import Limits
from twinpin.step.serving import serve
from twinpin.step.settings import Settings as ServerSettings

#: Seconds for which a client keeps a connection over gRPC: a gateway that stops goes on until the last one has ended.
CONNECTION_AGE = 10.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What a gateway stands on; *closing* lets go of it, in this order, after the last request.

    *pair_id* tells the pair that serves now, where this process decides that.
    """

    graph: InferenceGraph
    pipeline: Pipeline
    stages: Stages
    latencies: Latencies
    closing: Sequence[Callable[[], Awaitable[None]]] = ()
    pair_id: Callable[[], str] | None = None
    default_entity: bool = False
    #: What traces call the process.
    service: str = "twinpin-gateway"


class Gateway:
    """The application, its gRPC twin, and their end."""

    def __init__(self, parts: Parts, server: ServerSettings, settings: Settings) -> None:
        self._parts = parts
        self._settings = server
        self._lifecycle = Lifecycle()
        limits = Limits(server.max_body_bytes, server.max_rows, server.request_timeout)
        self.forecasts = Forecasts(
            parts.pipeline,
            parts.stages,
            limits,
            self._lifecycle,
            name=settings.served_name,
            max_in_flight=server.max_in_flight,
            pair_id=parts.pair_id,
        )
        page = Page(self.forecasts, parts.graph, parts.latencies, View(settings.page_series, parts.default_entity))
        series = SeriesForecaster(self.forecasts, settings.page_series)
        self.app = ForecastAPI(self.forecasts, series, page, self._lifecycle).app()

    async def run(self, announce: Callable[[int, int | None], None]) -> None:
        """Serve until SIGTERM, then close; *announce* is told the ports of REST and gRPC when requests are taken."""
        try:
            await self.forecasts.health.settle()
            limits, linger = self.forecasts.limits, 1.2 * CONNECTION_AGE  # grpc lets ages differ by a tenth
            rpc = grpc_server([self.forecasts], limits, self._lifecycle, age=round(1000 * CONNECTION_AGE))
            service = self._parts.service
            await serve(self.app, rpc, self._settings, self._lifecycle, announce, linger=linger, service=service)
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Close the way to the graph, then the steps and their stores."""
        await self.forecasts.aclose()
        for close in self._parts.closing:
            await close()
