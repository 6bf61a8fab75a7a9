"""`twinpin serve`: the gateway and all steps in one process, on the very graph document that a cluster gets."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twinpin import features, predict, preprocess
from twinpin.follow.beginning import Beginning
from twinpin.follow.file_record import FileRecord
from twinpin.follow.follower import Follower
from twinpin.follow.kube_record import KubeRecord
from twinpin.follow.ports import Threaded
from twinpin.follow.record import Record
from twinpin.follow.settings import Settings as FollowSettings
from twinpin.follow.shelf import Shelf
from twinpin.follow.workshop import Workshop
from twinpin.gateway.assembly import Gateway, Parts
from twinpin.gateway.beginning import announcement, document, explaining
from twinpin.gateway.latencies import Latencies
from twinpin.gateway.pipeline import GraphPipeline
from twinpin.gateway.settings import Settings
from twinpin.gateway.stages import Stages
from twinpin.generations import Generation, Generations
from twinpin.graph.executor import Executor
from twinpin.graph.inprocess import InProcess
from twinpin.graph.settings import Settings as GraphSettings
from twinpin.pair.apart import RegistryApart
from twinpin.pair.api_server import ApiServer
from twinpin.pair.events import open_events
from twinpin.pair.pin import Pin
from twinpin.pair.registry import MlflowRegistry
from twinpin.pair.resolve import resolve
from twinpin.pair.settings import Settings as PairSettings
from twinpin.rollout.pinning import RegistryPairs
from twinpin.settings import options, take
from twinpin.step.errors import CannotStart, Impossible
from twinpin.step.lags import look_back
from twinpin.step.runner import StepModel
from twinpin.step.serving import run
from twinpin.step.settings import ObserveSettings
from twinpin.step.settings import Settings as ServerSettings
from twinpin.step.step import Step, TensorSpec
from twinpin.step.telemetry import configure_logging
from twinpin.step.work import Work

if TYPE_CHECKING:
    from twinpin.preprocess.step import PreprocessStep

ALL = (
    Settings,
    GraphSettings,
    PairSettings,
    FollowSettings,
    features.Settings,
    preprocess.Settings,
    predict.Settings,
    ObserveSettings,
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
    configure_logging(server.log_level, server.log_requests)
    with explaining():
        pairs, following = take(PairSettings, values), take(FollowSettings, values)
        loader = Loader(values, server)
        if following.follow:
            run(_follow(loader, server, values, pairs, following))
        else:
            pin = _resolved(pairs, loader)
            run(_serve(loader, Generations(loader.load(pin, pairs.pair_dir)), server, values))


def _resolved(pairs: PairSettings, loader: "Loader") -> Pin:
    """Resolve in a thread, mostly waiting, while this one loads what is the same for every pair."""
    registry = RegistryApart(pairs.registry_uri, pairs.tracking_uri)
    resolving = Work(lambda: resolve(pairs, registry=registry))
    try:
        loader.prepare()
    except Exception:
        resolving.result()  # what is wrong with the pair is told first
        raise
    pin = resolving.result()
    registry.close()
    return pin


async def _serve(loader: "Loader", generations: Generations, server: ServerSettings, values: dict[str, Any]) -> None:
    """Serve on the running loop."""
    parts = loader.parts(generations)
    gateway = Gateway(parts, server, take(Settings, values))
    await gateway.run(announcement(server.host, generations.current.pin.id))


async def _follow(
    loader: "Loader", server: ServerSettings, values: dict[str, Any], pairs: PairSettings, settings: FollowSettings
) -> None:
    """Serve what the release serves, and follow the alias meanwhile."""
    registry = MlflowRegistry(pairs.registry_uri, pairs.tracking_uri)
    shelf = Shelf(pairs, registry)
    record, alias, workshop = (
        Threaded(_record(pairs, settings)),
        RegistryPairs(pairs, registry),
        Workshop(shelf, loader.load),
    )
    beginning = Beginning(record, alias, workshop, open_events(), shelf.last())
    generations = Generations(await beginning.first(pairs.resolve_deadline), settings.follow_keep)
    owner = os.environ.get("POD_NAME") or f"{socket.gethostname()}-{os.getpid()}"
    follower = Follower(generations, record, alias, workshop, owner)
    following = asyncio.create_task(follower.run(), name="follow the alias")
    try:
        await _serve(loader, generations, server, values)
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
        await follower.aclose()


def _record(pairs: PairSettings, settings: FollowSettings) -> Record:
    """Open the record that these settings name."""
    if settings.paired_graph:
        return KubeRecord(ApiServer(pairs.namespace), settings.paired_graph)
    place = (pairs.pins_dir or pairs.pair_dir) / f"{pairs.rollout}.record.json"
    return FileRecord(place, settings.follow_keep, settings.follow_interval)


class Loader:
    """Loads the steps of a pair behind the graph document; the feature store is opened once, for all pairs."""

    def __init__(self, values: dict[str, Any], server: ServerSettings) -> None:
        self._values = values
        self._server = server
        self._graph_settings = take(GraphSettings, values)
        self._graph = document(take(Settings, values).graph, strict=self._graph_settings.strict_graph)
        self._latencies = Latencies()
        self._store: features.FeaturesStep | None = None

    def prepare(self) -> None:
        """Import the libraries of the steps, and open the feature store where a repository is set."""
        settings = take(features.Settings, self._values)
        if settings.feature_repo and self._store is None:
            self._store = features.load(settings)
        for name in ("twinpin.preprocess.step", "twinpin.predict.step"):
            import_module(name)

    def load(self, pin: Pin, folder: Path) -> Generation:
        """Load the pair's two steps, and fit the features step to them where a repository is set."""
        self.prepare()
        observe = take(ObserveSettings, self._values)
        first = preprocess.load(folder, take(preprocess.Settings, self._values), observe)
        last = predict.load(folder, take(predict.Settings, self._values), observe)
        source = self._features(first)
        if source is not None:
            require_fit(source, first)
        own = [_model(last, self._server), _model(first, self._server)]
        store = None if source is None else _model(source, self._server)
        executor = Executor(
            self._graph,
            InProcess(own if store is None else [*own, store]),
            propagate=self._graph_settings.patterns,
            observe=self._latencies.observe,
        )
        stages = Stages(own[1], own[0], store)
        return Generation(pin, stages, GraphPipeline(executor), [each.aclose for each in own])

    def parts(self, generations: Generations) -> Parts:
        """Put a gateway before whichever generation serves."""
        return Parts(
            graph=self._graph,
            pipeline=generations,
            stages=generations.stages(),
            latencies=self._latencies,
            closing=[] if self._store is None else [self._store.close],
            pair_id=lambda: generations.current.pin.id,
            default_entity=self._values["default_entity"] is not None,
            service="twinpin-serve",
        )

    def _features(self, first: "PreprocessStep") -> features.FeaturesStep | None:
        """The features step as this pair needs it: no more of each window than the preprocessor looks back on."""
        if self._store is None:
            return None
        return self._store.windowed(take(features.Settings, self._values).window or needed_window(first.inputs))


def _model(step: Step, server: ServerSettings) -> StepModel:
    """Serve a step within the server's limits."""
    return StepModel(
        step,
        threads=server.threads,
        max_in_flight=server.max_in_flight,
        request_timeout=server.request_timeout,
    )


def require_fit(source: Step, first: "PreprocessStep") -> None:
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


def needed_window(inputs: Sequence[TensorSpec]) -> int | None:
    """Return how many newest values of a window the preprocessor needs: its largest lag + 1; None: it has no lags."""
    return max(look_back(inputs).values(), default=0) or None
