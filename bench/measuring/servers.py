"""Twinpin and the floors: how each is started; they answer as soon as they can, which the caller awaits."""

import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import yaml

from measuring.dialects import Dialect, rest
from measuring.launch import Launch, launching
from measuring.place import Place, free_port

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
START_SECONDS = 240
#: One loopback address per step, so that all three may use one port, as pods do.
HOSTS = {"features": "127.0.0.11", "preprocess": "127.0.0.12", "predict": "127.0.0.13"}


@dataclass
class Server:
    """A started server: its processes, its address, that of its gRPC, those of its steps, and how it is asked."""

    launch: Launch
    url: str
    grpc: str = ""
    steps: list[str] = field(default_factory=list)
    dialect: Dialect = rest


@contextmanager
def floor(place: Place, store: str = "windows", trees: str = "booster") -> Iterator[Server]:
    """The bare work behind the leanest server."""
    port = free_port()
    options = ["--host", "127.0.0.1", "--port", str(port), "--no-access-log", "--app-dir", HERE]
    with launching(place, f"floor-{store}-{trees}") as launch:
        launch.start("", [BIN / "uvicorn", *options, "floor:app"], FLOOR_STORE=store, FLOOR_TREES=trees)
        yield Server(launch, f"http://127.0.0.1:{port}")


@contextmanager
def one_process(place: Place, service: str = "forecast_features", **variables: str) -> Iterator[Server]:
    """`twinpin serve`: the graph, its three steps and the gateway in one process."""
    http, grpc = free_port(), free_port()
    command = [BIN / "twinpin", "serve", "--host", "127.0.0.1", "--http-port", str(http), "--grpc-port", str(grpc)]
    with _pair_dir(place) as pair, launching(place, "twinpin-serve") as launch:
        launch.start("", command, **_settings(place, pair, service), **variables)
        url = f"http://127.0.0.1:{http}"
        yield Server(launch, url, _asked_too(f"127.0.0.1:{grpc}", service), [url])


@contextmanager
def graph(place: Place, mode: str = "graph", service: str = "forecast_features", **variables: str) -> Iterator[Server]:
    """Three step processes and the gateway: over KServe's router (mode graph), or over gRPC (mode direct)."""
    with _pair_dir(place) as pair, launching(place, f"twinpin-{mode}") as launch:
        http, grpc = free_port(), free_port()
        settings = {**_settings(place, pair, service), **variables}
        document = pair / "graph.yaml"
        document.write_text(_document(http))
        target = ["--mode", "direct", "--graph", str(document), "--step-grpc-port", str(grpc)]
        if mode == "graph":
            spec = yaml.safe_load(document.read_text())["spec"]
            target = ["--mode", "graph", "--graph", str(document), "--graph-url", start_router(launch, spec)]
        front, front_grpc = free_port(), free_port()
        ports = ["--host", "127.0.0.1", "--http-port", str(front), "--grpc-port", str(front_grpc)]
        launch.start("gateway", [BIN / "twinpin", "gateway", *ports, *target], **settings)
        _start_steps(launch, ["--http-port", str(http), "--grpc-port", str(grpc)], settings)
        steps = [f"http://{host}:{http}" for host in HOSTS.values()]
        rpc = _asked_too(f"127.0.0.1:{front_grpc}", service)
        yield Server(launch, f"http://127.0.0.1:{front}", rpc, steps)


def _asked_too(grpc: str, service: str) -> str:
    """Leave out gRPC on scalars: no goal is set for it, and a run is long."""
    return grpc if service == "forecast_features" else ""


def start_router(launch: Launch, spec: dict) -> str:
    """Start KServe's router on an InferenceGraph's *spec*; return its address."""
    if launch.place.router is None:
        raise SystemExit("KServe's router is missing: hack/router builds it (needs Go)")
    address = f"127.0.0.1:{free_port()}"
    command = [launch.place.router, "--graph-json", json.dumps(spec)]
    # On SIGTERM it sleeps for 30 s before it stops: nothing is in flight here, so it is killed.
    launch.start("router", command, signal.SIGKILL, ROUTER_ADDRESS=address)
    return f"http://{address}"


def _start_steps(launch: Launch, ports: list[str], settings: dict[str, str]) -> None:
    """Start the steps as pods do: all at once, but those that load the pair only after their init container."""
    _start_step(launch, "features", ports, settings)
    launch.run("resolve", [BIN / "twinpin", "resolve"], **settings)
    for name in ("preprocess", "predict"):
        _start_step(launch, name, ports, settings)


def _start_step(launch: Launch, name: str, ports: list[str], settings: dict[str, str]) -> None:
    launch.start(name, [BIN / "twinpin", "step", name, "--host", HOSTS[name], *ports], **settings)


@contextmanager
def _pair_dir(place: Place) -> Iterator[Path]:
    """Give a folder that is empty at each start, as in a new pod: the pair is resolved and verified anew."""
    folder = Path(tempfile.mkdtemp(prefix="pair-", dir=place.work))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _settings(place: Place, pair: Path, service: str) -> dict[str, str]:
    """Return Twinpin's settings as variables."""
    settings = {
        "TWINPIN_PREDICT_THREADS": "1",
        "TWINPIN_FEATURE_REPO": str(place.work / "features"),
        "TWINPIN_FEATURE_SERVICE": service,
        "TWINPIN_REGISTRY_URI": f"sqlite:///{place.work}/mlflow.db",
        "TWINPIN_PAIR_DIR": str(pair / "pair"),
        "TWINPIN_CACHE_DIR": str(place.work / "cache"),
    }
    return settings if service == "scalar_features" else {**settings, "TWINPIN_WINDOW": "24"}


def _document(port: int) -> str:
    """Return the graph document that Twinpin ships, with the steps where they are here."""
    text = (files("twinpin.graph") / "forecast.yaml").read_text()
    for name, host in HOSTS.items():
        text = text.replace(f"http://{name}/", f"http://{host}:{port}/")
    return text
