"""The servers under test: how each is started, asked and stopped."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import yaml

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
START_SECONDS = 90
#: One loopback address per step, so that all three may use one port, as pods do.
HOSTS = {"features": "127.0.0.11", "preprocess": "127.0.0.12", "predict": "127.0.0.13"}


@dataclass
class Server:
    """A running server: its address, the processes to account, the address of its gRPC, and those of its steps."""

    url: str
    pids: list[int] = field(default_factory=list)
    grpc: str = ""
    steps: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Bench:
    """What a server is started with: the fixture's folder, Redis, the router's binary, and where logs go."""

    work: Path
    redis: str
    router: Path | None
    logs: Path

    @property
    def environment(self) -> dict[str, str]:
        """One compute thread per process, as for every server: the cores are shared."""
        return {
            **os.environ,
            "BENCH_REDIS": self.redis,
            "FLOOR_WORK": str(self.work),
            "OMP_NUM_THREADS": "1",
            "TWINPIN_PREDICT_THREADS": "1",
            "TWINPIN_FEATURE_REPO": str(self.work / "features"),
            "TWINPIN_FEATURE_SERVICE": "forecast_features",
            "TWINPIN_REGISTRY_URI": f"sqlite:///{self.work}/mlflow.db",
            "TWINPIN_PAIR_DIR": str(self.work / "pair"),
            "TWINPIN_CACHE_DIR": str(self.work / "cache"),
            "TWINPIN_WINDOW": "24",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }

    @contextmanager
    def process(
        self, name: str, command: Sequence[str | Path], ending: signal.Signals = signal.SIGTERM, **variables: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run one command until the block ends, then end it."""
        with (self.logs / f"{name}.log").open("wb") as log:
            environment = {**self.environment, **variables}
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=HERE)
        try:
            yield process
        finally:
            process.send_signal(ending)
            process.wait(timeout=60)


@contextmanager
def floor(bench: Bench) -> Iterator[Server]:
    """The bare work behind the leanest server."""
    port = free_port()
    command = [
        BIN / "uvicorn",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-access-log",
        "--app-dir",
        HERE,
        "floor:app",
    ]
    with bench.process("floor", command) as process:
        yield await_port(Server(f"http://127.0.0.1:{port}", [process.pid]), process)


@contextmanager
def one_process(bench: Bench) -> Iterator[Server]:
    """`twinpin serve`: the graph, its three steps and the gateway in one process."""
    http, grpc = free_port(), free_port()
    command = [BIN / "twinpin", "serve", "--host", "127.0.0.1", "--http-port", str(http), "--grpc-port", str(grpc)]
    with bench.process("twinpin-serve", command) as process:
        url = f"http://127.0.0.1:{http}"
        yield await_port(Server(url, [process.pid], f"127.0.0.1:{grpc}", [url]), process)


@contextmanager
def graph(bench: Bench, mode: str) -> Iterator[Server]:
    """Three step processes and the gateway: over KServe's router (mode graph), or over gRPC (mode direct)."""
    with ExitStack() as stack:
        http, grpc = free_port(), free_port()
        _pair(bench)
        pids = [_step(bench, stack, name, ("--http-port", str(http), "--grpc-port", str(grpc))) for name in HOSTS]
        steps = [f"http://{host}:{http}" for host in HOSTS.values()]
        document = bench.work / f"graph-{http}.yaml"
        document.write_text(_document(http))
        target: list[str | Path] = ["--mode", "direct", "--graph", document, "--step-grpc-port", str(grpc)]
        if mode == "graph":
            router, url = _router(bench, stack, document)
            pids.append(router)
            target = ["--mode", "graph", "--graph", document, "--graph-url", url]
        http, grpc = free_port(), free_port()
        ports = ["--host", "127.0.0.1", "--http-port", str(http), "--grpc-port", str(grpc)]
        gateway = stack.enter_context(bench.process(f"gateway-{mode}", [BIN / "twinpin", "gateway", *ports, *target]))
        server = Server(f"http://127.0.0.1:{http}", [*pids, gateway.pid], f"127.0.0.1:{grpc}", steps)
        yield await_port(server, gateway)


def _pair(bench: Bench) -> None:
    """Resolve the pair as the init container of a pod does."""
    with bench.process("resolve", [BIN / "twinpin", "resolve"]) as process:
        if process.wait(timeout=START_SECONDS):
            raise SystemExit("twinpin resolve failed; see the logs")


def _step(bench: Bench, stack: ExitStack, name: str, ports: Sequence[str]) -> int:
    """Start one step on its own loopback address; return its process."""
    command = [BIN / "twinpin", "step", name, "--host", HOSTS[name], *ports]
    process = stack.enter_context(bench.process(f"step-{name}", command))
    await_port(Server(f"http://{HOSTS[name]}:{ports[1]}"), process)
    return process.pid


def _document(port: int) -> str:
    """Return the graph document that Twinpin ships, with the steps where they are here."""
    text = (files("twinpin.graph") / "forecast.yaml").read_text()
    for name, host in HOSTS.items():
        text = text.replace(f"http://{name}/", f"http://{host}:{port}/")
    return text


def _router(bench: Bench, stack: ExitStack, document: Path) -> tuple[int, str]:
    """Start KServe's router on the document; return its process and its address."""
    if bench.router is None:
        raise SystemExit("KServe's router is missing: hack/router builds it (needs Go)")
    spec = json.dumps(yaml.safe_load(document.read_text())["spec"])
    command, address = [bench.router, "--graph-json", spec], f"127.0.0.1:{free_port()}"
    # On SIGTERM it sleeps for 30 s before it stops: nothing is in flight here, so it is killed.
    process = stack.enter_context(bench.process("router", command, signal.SIGKILL, ROUTER_ADDRESS=address))
    await_port(Server(f"http://{address}"), process)
    return process.pid, f"http://{address}"


def free_port() -> int:
    """Return a loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def await_port(server: Server, process: subprocess.Popen[bytes]) -> Server:
    """Return the server once its port answers; fail where its process ends first."""
    host, port = server.url.removeprefix("http://").rsplit(":", 1)
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return server
        if process.poll() is not None:
            raise SystemExit(f"{process.args} ended by itself with {process.returncode}; see the logs")
        time.sleep(0.05)
    raise SystemExit(f"{process.args}: nothing listens on {server.url} after {START_SECONDS} s; see the logs")
