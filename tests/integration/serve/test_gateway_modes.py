"""`twinpin gateway` before three real steps: over KServe's real router, and over gRPC by itself."""

import contextlib
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import kserve_series
import numpy as np
import pytest
from router import real_router
from small_server import started

TWINPIN = str(Path(sys.executable).with_name("twinpin"))


@pytest.fixture(scope="module")
def steps(world, tmp_path_factory):
    """The three steps."""
    from step_fleet import fleet  # noqa: PLC0415 -- Feast takes four seconds to import

    with fleet(world, tmp_path_factory.mktemp("fleet")) as running:
        yield running


@pytest.fixture(scope="module")
def graph_file(steps, tmp_path_factory):
    """The document that names them."""
    file = tmp_path_factory.mktemp("graph") / "graph.yaml"
    file.write_text(steps.graph().text())
    return file


@pytest.fixture(scope="module", params=[pytest.param("graph", marks=pytest.mark.router), "direct"])
def client(request, steps, graph_file):
    """A client of the gateway in each mode."""
    flags = ["--host", "127.0.0.1", "--http-port", "0", "--grpc-port", "0", "--graph", str(graph_file)]
    flags += ["--page-series", "level"]
    with contextlib.ExitStack() as running:
        if request.param == "direct":
            flags += ["--mode", "direct", "--step-grpc-port", str(steps.grpc_port)]
        else:
            flags += ["--mode", "graph", "--graph-url", running.enter_context(real_router(steps.graph()))]
        server = running.enter_context(started([TWINPIN, "gateway", *flags]))
        yield running.enter_context(httpx.Client(base_url=server.url, timeout=30))


def test_a_gateway_whose_graph_is_not_written_yet_waits(tmp_path):
    """It says why, serves nothing, and ends well when it is told to: another one comes with the graph."""
    graph = tmp_path / "graph.yaml"
    graph.write_text("")
    command = [TWINPIN, "gateway", "--graph", str(graph), "--mode", "direct", "--http-port", "0", "--grpc-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            said = process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            rest, _ = process.communicate(timeout=30)
        finally:
            process.kill()

    assert "no pair is live yet" in said
    assert (process.returncode, rest) == (0, "")


def near(found, wanted):
    """Compare forecasts."""
    np.testing.assert_allclose(np.array(found, dtype=float), wanted, atol=1e-5)


def test_every_kind_of_forecast(world, client):
    """The same numbers as in one process, which are MLflow's."""
    from served_world import COLUMNS, row, windows  # noqa: PLC0415

    two_hours_ago = (world.at - timedelta(hours=2)).isoformat()
    columns = client.post("/predict", json={"data": {name: row(1)[name].tolist() for name in COLUMNS}})
    one = client.post("/predict/feast", json={"entities": 3, "time_point": two_hours_ago})
    batch = client.post("/predict/feast/batch", json={"entities": [3, 1]})
    default = client.post("/predict/feast", json={})
    level = {"name": "level", "datatype": "FP64", "shape": [1, 30], "data": windows(2)["level"].tolist()}
    swell = level | {"name": "swell", "data": windows(2)["swell"].tolist()}
    protocol = client.post("/v2/models/forecast/infer", json={"inputs": [level, swell]})

    near(columns.json()["prediction"], world.offline(row(1))[0])
    near(one.json()["prediction"], world.offline(row(3, 2))[0])
    near(batch.json()["predictions"]["1"], world.offline(row(1))[0])
    near(default.json()["prediction"], world.offline(row(2))[0])
    near(protocol.json()["outputs"][0]["data"], world.offline(row(2))[0])
    assert columns.headers["x-twinpin-pair"] == protocol.json()["parameters"]["pair"]


def test_series_of_the_time_series_api(world, client):
    """By covariates and by the store, which the gateway reads past the graph, as of the newest value."""
    from served_world import row, windows  # noqa: PLC0415

    first = (world.at - timedelta(hours=29)).isoformat()
    bare = {"name": "3", "series": windows(3)["level"].tolist(), "start_timestamp": first}
    brought = {"swell": windows(2)["swell"].tolist()}
    whole = {"name": "mine", "series": windows(2)["level"].tolist(), "start_timestamp": first, "covariates": brought}
    for series, location in ((bare, 3), (whole, 2)):
        _, (forecast,) = kserve_series.read(
            client.post("/v1/timeseries/forecast", json=kserve_series.body(series, horizon=3))
        )

        near(forecast.mean_forecast, world.offline(row(location))[0])
        assert datetime.fromisoformat(forecast.start_timestamp) == world.at + timedelta(hours=1)


def test_what_the_steps_refuse_reaches_the_client_as_they_said_it(client):
    """Status, sentence and statuses by entity, through the router too."""
    unknown = client.post("/predict/feast", json={"entities": [1, 99]})
    lacking = client.post("/predict", json={"data": {"level": [[1, 2, 3, 4, 5]]}})
    partial = client.post("/predict/feast", json={"entities": [1, 99], "partial": True})

    assert (unknown.status_code, unknown.json()["missing"]) == (422, {"99": "unknown"})
    assert (lacking.status_code, "swell" in lacking.json()["error"]) == (422, True)
    assert (partial.status_code, partial.json()["missing"]) == (200, {"99": "unknown"})


def test_metadata_health_and_page_are_those_of_the_steps(client):
    """The gateway asks them, at the addresses in the document."""
    health = client.get("/health")
    model = client.get("/v2/models/forecast").json()
    history = client.get("/page/history?entity=1").json()
    state = client.get("/page/state").json()

    assert (health.status_code, health.json()["status"]) == (200, "ok")
    assert {each["name"] for each in model["inputs"]} > {"level_lag_0", "location_id"}
    assert model["versions"][0] == "1"
    assert (len(history["series"]["level"]), len(history["forecast"])) == (30, 3)
    assert "127.0.0" not in str(state)
