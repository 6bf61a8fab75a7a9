"""`twinpin serve`: the gateway and all steps in one process, on the very graph document that a cluster gets."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from twinpin import features, predict, preprocess
from twinpin.gateway.assembly import Gateway, Parts
from twinpin.gateway.commands import announcement, document, explaining
from twinpin.gateway.latencies import Latencies
from twinpin.gateway.pipeline import GraphPipeline
from twinpin.gateway.settings import Settings
from twinpin.gateway.stages import Stages
from twinpin.graph.executor import Executor
from twinpin.graph.inprocess import InProcess
from twinpin.graph.settings import Settings as GraphSettings
from twinpin.pair.resolve import resolve
from twinpin.pair.settings import Settings as PairSettings
from twinpin.preprocess.routes import LAG
from twinpin.settings import options, take
from twinpin.step.errors import CannotStart, Impossible
from twinpin.step.runner import StepModel
from twinpin.step.serving import run
from twinpin.step.settings import Settings as ServerSettings
from twinpin.step.step import Step, TensorSpec
from twinpin.step.telemetry import configure_logging

ALL = (
    Settings,
    GraphSettings,
    PairSettings,
    features.Settings,
    preprocess.Settings,
    predict.Settings,
    ServerSettings,
)


@click.command()
@options(*ALL)
def serve(**values: Any) -> None:
    """Run a graph document in one process: gateway and all steps.

    Takes the pair behind the alias, pins it, loads its steps and serves plain REST, the Open Inference Protocol over
    REST and gRPC, and a page, until SIGTERM; requests in flight are then finished. Without a feature repository it
    forecasts from columns alone.
    """
    server = take(ServerSettings, values)
    configure_logging(server.log_level)
    with explaining():
        settings, graph = take(Settings, values), take(GraphSettings, values)
        pin = resolve(take(PairSettings, values))
        steps = Steps.load(values, server)
        parts = steps.parts(settings, graph, values["default_entity"], pin.id)
        run(_serve(parts, server, settings))


async def _serve(parts: Parts, server: ServerSettings, settings: Settings) -> None:
    """Serve on the running loop."""
    await Gateway(parts, server, settings).run(announcement(server.host, parts.pair_id))


@dataclasses.dataclass(frozen=True, slots=True)
class Steps:
    """The steps of this process, loaded and warm."""

    preprocess: StepModel
    predict: StepModel
    features: StepModel | None

    @classmethod
    def load(cls, values: dict[str, Any], server: ServerSettings) -> "Steps":
        """Load the pair's two steps, and the features step where a repository is set."""
        folder: Path = values["pair_dir"]
        first = preprocess.load(folder, take(preprocess.Settings, values))
        last = predict.load(folder, take(predict.Settings, values))
        store = take(features.Settings, values)
        source = features.load(_windowed(store, first.inputs)) if store.feature_repo else None
        if source is not None:
            require_fit(source, first)
        return cls(_model(first, server), _model(last, server), _model(source, server) if source else None)

    def parts(self, settings: Settings, graph: GraphSettings, default_entity: str | None, pair_id: str) -> Parts:
        """Put the steps behind the graph document."""
        latencies = Latencies()
        shown = document(settings.graph, strict=graph.strict_graph)
        executor = Executor(shown, InProcess(self.models), propagate=graph.patterns, observe=latencies.observe)
        return Parts(
            graph=shown,
            pipeline=GraphPipeline(executor),
            stages=Stages(self.preprocess, self.predict, self.features),
            latencies=latencies,
            closing=[each.aclose for each in self.models],
            pair_id=pair_id,
            default_entity=default_entity is not None,
        )

    @property
    def models(self) -> Sequence[StepModel]:
        """Those that there are; the store last, since it is closed last."""
        return [each for each in (self.predict, self.preprocess, self.features) if each is not None]


def _model(step: Step, server: ServerSettings) -> StepModel:
    """Serve a step within the server's limits."""
    return StepModel(
        step,
        threads=server.threads,
        max_in_flight=server.max_in_flight,
        request_timeout=server.request_timeout,
    )


def require_fit(source: Step, first: preprocess.PreprocessStep) -> None:
    """Raise CannotStart where no request for entities could ever be answered, which only the settings can mend."""
    key, *fields = source.inputs
    if fields:
        names = ", ".join(field.name for field in fields)
        raise CannotStart(
            f"The FeatureService computes features from {names} of the request, and requests for entities carry "
            f"{key.name} alone: name a service without them."
        )
    try:
        first.require(source.outputs)
    except Impossible as error:
        given = ", ".join(spec.name for spec in source.outputs)
        raise CannotStart(
            f"The FeatureService gives {given}, which the pair's preprocessor cannot take: {error.message} "
            "Set feature_service to the one that the pair was trained on."
        ) from error


def _windowed(settings: features.Settings, inputs: Sequence[TensorSpec]) -> features.Settings:
    """Read no more of each window than the preprocessor looks back on, unless a setting says how much."""
    if settings.window is not None:
        return settings
    return dataclasses.replace(settings, window=needed_window(inputs))


def needed_window(inputs: Sequence[TensorSpec]) -> int | None:
    """Return how many newest values of a window the preprocessor needs: its largest lag + 1; None: it has no lags."""
    lags = [int(found["lag"]) + 1 for spec in inputs if (found := LAG.fullmatch(spec.name))]
    widths = [spec.shape[1] for spec in inputs if len(spec.shape) > 1 and spec.shape[1] > 1]
    return max(lags + widths, default=None)
