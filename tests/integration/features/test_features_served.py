"""`twinpin step features`: the step as a process, asked as the graph's router asks it."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import orjson
import pytest
from feature_repos import fill_windows, this_hour, window_repo, written


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def address(tmp_path):
    """The address of a served step; it ends as an orchestrator ends it, and must end well."""
    repo = window_repo(tmp_path / "repo")
    fill_windows(repo)
    http_port = free_port()
    settings = {"HOST": "127.0.0.1", "HTTP_PORT": http_port, "GRPC_PORT": free_port(), "DRAIN_WAIT": 0}
    settings |= {"FEATURE_REPO": repo.folder, "FEATURE_SERVICE": "forecast_features", "WINDOW": 3}
    process = subprocess.Popen(
        [Path(sys.executable).with_name("twinpin"), "step", "features"],
        env=os.environ | {f"TWINPIN_{name}": str(value) for name, value in settings.items()},
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{http_port}") as client:
        wait_until_ready(client, process)
    yield f"http://127.0.0.1:{http_port}"
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def wait_until_ready(client: httpx.Client, process: subprocess.Popen) -> None:
    """Ask for readiness until it is there."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the step ended at once"
        try:
            if client.get("/v2/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail("the step does not become ready")


def test_a_plain_body_becomes_the_next_steps_request(address):
    """What the gateway sends to the graph, and what the preprocessor gets; errors in the one shape there is."""
    body = {"entities": [3, 1], "entity_key": "location_id", "time_point": "now"}
    with httpx.Client(base_url=f"{address}/v2/models/features") as client:
        answer = client.post("/infer?answer=request", json=body)
        unknown = client.post("/infer", json=body | {"entities": [3, 99]})
        nobody = client.post("/infer", json=body | {"entities": None})
        later = client.post("/infer", json=body | {"time_point": "2100-01-01"})

    document = answer.json()
    assert document["inputs"][0] == {
        "name": "temp",
        "datatype": "FP64",
        "shape": [2, 3],
        "data": [3045, 3046, 3047, 1045, 1046, 1047],
    }
    assert orjson.loads(document["parameters"]["entities"]) == [3, 1]
    assert written(this_hour())[:13] in document["parameters"]["as_of"]
    assert unknown.status_code == 422
    assert unknown.json()["missing"] == {"99": "unknown"}
    assert nobody.status_code == 422
    assert later.json()["missing"] == {"3": "after_newest", "1": "after_newest"}
