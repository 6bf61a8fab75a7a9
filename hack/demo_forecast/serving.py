"""Serving: `twinpin serve` as a child process, ready or plainly dead."""

import http.client
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from demo_forecast import registering
from demo_forecast.filling import ENTITY_KEY, SERVICE
from demo_forecast.place import Place

START_SECONDS = 300.0  # 10 on an idle machine; a busy CI runner takes many times that
STOP_SECONDS = 45.0

#: Folders of earlier starts that are kept: another demo may still be loading from the newest of them.
KEPT_STARTS = 3


class NotServing(Exception):
    """The server ended, or did not become ready in time; its own output says why."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens."""

    host: str
    port: int
    grpc_port: int


def command(place: Place, address: Address) -> list[str]:
    """Write the command line, with a rollout of its own: each start serves the pair that the alias is on then."""
    starts = place.serving / "starts"
    _forget_old(starts)
    rollout = f"demo-{time.time_ns()}"
    settings = {
        "host": address.host,
        "http-port": address.port,
        "grpc-port": address.grpc_port,
        "registry-uri": place.registry_uri,
        "tracking-uri": place.registry_uri,
        "preprocessor-name": registering.PREPROCESSOR,
        "model-name": registering.MODEL,
        "alias": registering.ALIAS,
        "rollout": rollout,
        "pair-dir": starts / rollout,
        "cache-dir": place.serving / "cache",
        "feature-repo": place.features,
        "feature-service": SERVICE,
        "default-entity": 1,
        "entity-key": ENTITY_KEY,
        "page-series": "temp",
        "log-level": "WARNING",
    }
    flags = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    return [str(Path(sys.executable).with_name("twinpin")), "serve", *flags]


@contextmanager
def serving(place: Place, address: Address) -> Iterator[subprocess.Popen[bytes]]:
    """Start the server and wait until it is ready; at the end it gets SIGTERM and the time to drain."""
    process = subprocess.Popen(command(place, address))
    try:
        _wait_until_ready(process, address)
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the server as Kubernetes would."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_ports(host: str, count: int) -> list[int]:
    """Find ports that nobody listens on."""
    with _bound(host, count) as sockets:
        return [each.getsockname()[1] for each in sockets]


def require_free(address: Address) -> None:
    """Raise NotServing where a port is taken, before anything slow begins."""
    for port in (address.port, address.grpc_port):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address.host, port))
            except OSError as error:
                raise NotServing(f"port {port} is taken: choose others with --port and --grpc-port") from error


@contextmanager
def _bound(host: str, count: int) -> Iterator[list[socket.socket]]:
    """Hold *count* sockets at once, so that no port is given twice."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((host, 0))
        yield sockets
    finally:
        for each in sockets:
            each.close()


def _wait_until_ready(process: subprocess.Popen[bytes], address: Address) -> None:
    """Ask until the server says that it is ready."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None:
        if _ready(address):
            return
        if time.monotonic() > deadline:
            raise NotServing(f"the server was not ready within {START_SECONDS:.0f} s")
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
    raise NotServing(f"the server ended with exit status {process.returncode}")


def _ready(address: Address) -> bool:
    """Ask once."""
    connection = http.client.HTTPConnection(address.host, address.port, timeout=5)
    try:
        connection.request("GET", "/v2/health/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def _forget_old(starts: Path) -> None:
    """Delete what earlier starts resolved; the cache keeps the artifacts."""
    if starts.exists():
        for old in sorted(starts.iterdir())[:-KEPT_STARTS]:
            shutil.rmtree(old, ignore_errors=True)
