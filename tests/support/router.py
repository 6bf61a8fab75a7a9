"""KServe's real router as a process, from hack/router."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import httpx
import orjson
import pytest

from twinpin.graph.document import InferenceGraph

SCRIPT = Path(__file__).parents[2] / "hack" / "router"
_NO_GO = 3  # hack/router's exit status where Go is absent
_START = 20.0  # seconds


@cache
def binary() -> str:
    """Build the router, or skip the test with the reason that hack/router gives."""
    built = subprocess.run([str(SCRIPT)], capture_output=True, text=True, check=False)
    if built.returncode == _NO_GO:
        pytest.skip(built.stderr.strip())
    if built.returncode != 0:
        pytest.fail(f"hack/router failed: {built.stderr}")
    return built.stdout.strip()


def free_port() -> int:
    """Find a port of the loopback interface that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def real_router(document: InferenceGraph, *, propagate: str = "") -> Iterator[str]:
    """Run the router on a graph whose steps have a serviceUrl; gives its address."""
    address = f"127.0.0.1:{free_port()}"
    spec = orjson.dumps(document.data()["spec"]).decode()
    environment = {**os.environ, "ROUTER_ADDRESS": address}
    if propagate:
        environment["PROPAGATE_HEADERS"] = propagate
    process = subprocess.Popen(
        [binary(), "--graph-json", spec], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _until_ready(f"http://{address}", process)
        yield f"http://{address}"
    finally:
        process.kill()  # on SIGTERM it would sleep for 30 s
        process.wait()


def _until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Poll until it answers; fail where it ends or takes too long."""
    deadline = time.monotonic() + _START
    with httpx.Client() as client:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                pytest.fail(f"the router ended with status {process.returncode}")
            with contextlib.suppress(httpx.TransportError):
                if client.get(f"{url}/readyz").is_success:
                    return
            time.sleep(0.01)
    pytest.fail(f"the router was not ready within {_START} s")
