"""`twinpin gateway`."""

import logging
from pathlib import Path
from typing import Any

import click

from twinpin.gateway.assembly import Gateway, Parts
from twinpin.gateway.beginning import announcement, document, explaining
from twinpin.gateway.latencies import Latencies
from twinpin.gateway.pipeline import GraphPipeline, Pipeline, RemoteGraph
from twinpin.gateway.remote import Probes, RemoteStep, find_step
from twinpin.gateway.settings import RemoteSettings, Settings
from twinpin.gateway.stages import FEATURES, PREDICT, PREPROCESS, Stages
from twinpin.graph.document import InferenceGraph
from twinpin.graph.executor import Executor
from twinpin.graph.grpc_transport import Grpc
from twinpin.graph.http import Http
from twinpin.graph.settings import Settings as GraphSettings
from twinpin.graph.transport import Transport
from twinpin.settings import options, take
from twinpin.step.errors import CannotStart
from twinpin.step.serving import run, stop_signal
from twinpin.step.settings import Settings as ServerSettings
from twinpin.step.telemetry import configure_logging

log = logging.getLogger(__name__)


@click.command()
@options(Settings, RemoteSettings, GraphSettings, ServerSettings)
def gateway(**values: Any) -> None:
    """Run the gateway before a graph or before steps.

    In mode graph every request goes to the InferenceGraph at --graph-url; in mode direct the gateway runs the document
    itself and calls the steps over gRPC. Either way the document says where the steps are.
    """
    server = take(ServerSettings, values)
    configure_logging(server.log_level, server.log_requests)
    with explaining():
        run(_gateway(values, server))


async def _gateway(values: dict[str, Any], server: ServerSettings) -> None:
    """Serve on the running loop; without a graph wait for the end, since whoever writes it starts another process."""
    settings = take(Settings, values)
    if settings.graph is not None and _empty(settings.graph):
        stop = stop_signal()
        log.warning("no pair is live yet: a gateway that has its graph comes in the place of this one")
        await stop.wait()
        return
    parts = remote_parts(settings, take(RemoteSettings, values), take(GraphSettings, values))
    await Gateway(parts, server, settings).run(announcement(server.host))


def remote_parts(settings: Settings, remote: RemoteSettings, graph: GraphSettings) -> Parts:
    """Put a gateway before steps that run elsewhere; raises CannotStart where the settings do not say where."""
    shown = document(settings.graph, strict=graph.strict_graph)
    latencies, probes = Latencies(), Probes()
    # KServe's router answers for 30 s after it was told to stop: connections that outlived it would keep it in use.
    graphs = remote.mode == "graph"
    transport: Transport = Http(again=True, lifetime=5.0) if graphs else Grpc(port=remote.step_grpc_port, again=True)
    return Parts(
        graph=shown,
        pipeline=_pipeline(shown, transport, remote, graph, latencies),
        stages=_stages(shown, transport, probes),
        latencies=latencies,
        closing=[probes.aclose],
    )


def _pipeline(
    shown: InferenceGraph, transport: Transport, remote: RemoteSettings, graph: GraphSettings, latencies: Latencies
) -> Pipeline:
    """Choose who runs the graph."""
    if remote.mode == "direct":
        return GraphPipeline(Executor(shown, transport, propagate=graph.patterns, observe=latencies.observe))
    if remote.graph_url is None:
        raise CannotStart("Mode graph needs the address of the InferenceGraph: set --graph-url, or use --mode direct.")
    return RemoteGraph(transport, remote.graph_url)


def _stages(shown: InferenceGraph, transport: Transport, probes: Probes) -> Stages:
    """Find the three steps by their model names in the document."""
    found = {name: find_step(shown, name) for name in (FEATURES, PREPROCESS, PREDICT)}
    steps = {name: RemoteStep(target, transport, probes) for name, target in found.items() if target is not None}
    if lacking := [name for name in (PREPROCESS, PREDICT) if name not in steps]:
        raise CannotStart(
            f"The graph has no step {' and no step '.join(lacking)}: let a serviceUrl end in /v2/models/<name>/infer."
        )
    return Stages(steps[PREPROCESS], steps[PREDICT], steps.get(FEATURES))


def _empty(path: Path) -> bool:
    """Whether the document was not written yet, as before the first rollout of a controller."""
    try:
        return not path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return False  # for `document` to say what is wrong
