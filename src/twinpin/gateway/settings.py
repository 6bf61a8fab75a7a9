"""Settings of the gateway beside those of every server (`twinpin.step.settings`)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from twinpin.settings import setting


@dataclass(frozen=True, slots=True)
class Settings:
    """What the gateway serves, and under which name."""

    graph: Path | None = setting(None, "InferenceGraph document to run; default: the one that Twinpin ships.")
    served_name: str = setting("forecast", "Name of the whole graph as one model of the protocol.")
    page_series: str | None = setting(
        None,
        "Window that is forecast: the page draws it, by default the first one, and a series of the time-series API "
        "stands for it, by default the only one.",
    )


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    """Where the graph and its steps are, for a gateway in a pod of its own."""

    mode: Literal["graph", "direct"] = setting(
        "graph", "graph: send requests to the InferenceGraph; direct: call its steps over gRPC."
    )
    graph_url: str | None = setting(None, "Address of the InferenceGraph; needed in mode graph.")
    step_grpc_port: int = setting(8081, "Port of the steps' gRPC, for mode direct.")
