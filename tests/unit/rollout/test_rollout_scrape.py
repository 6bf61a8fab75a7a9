"""What pods say of themselves, by the very metrics that steps count with."""

import asyncio
import contextlib
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from twinpin.rollout import scrape as scraping
from twinpin.rollout.resource import Forecasts
from twinpin.rollout.scrape import SERVICE_LABEL, fetch_directly, read_figures, scrape, way_to_pods
from twinpin.rollout.template import ROLLOUT_LABEL
from twinpin.step import telemetry
from twinpin.step.observed import Observations, Observed

R = "p7-m12-3fa9c1"
SERVICE = f"f-predict-{R}"


def exposition(*answers):
    """What a step's /metrics says after some answers: endpoint, status and seconds of each."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    requests = Counter(telemetry.REQUESTS._name, "As there.", telemetry.REQUESTS._labelnames, registry=registry)
    seconds = telemetry.REQUEST_SECONDS
    bounds = [each for each in seconds._upper_bounds if each != float("inf")]
    times = Histogram(seconds._name, "As there.", seconds._labelnames, registry=registry, buckets=bounds)
    for endpoint, status, took in answers:
        requests.labels(endpoint, status).inc()
        times.labels(endpoint).observe(took)
    return generate_latest(registry).decode()


def pod(name="f-predict-1", *, ready=True, restarts=0, address="127.0.0.1", **metadata):
    """A pod of a step as the API server lists it."""
    conditions = [{"type": "Ready", "status": str(ready)}]
    states = [{"name": "kserve-container", "restartCount": restarts}]
    labels = {ROLLOUT_LABEL: R, SERVICE_LABEL: SERVICE}
    return {
        "metadata": {"name": name, "labels": labels, **metadata},
        "status": {"podIP": address, "conditions": conditions, "containerStatuses": states},
    }


def test_requests_errors_and_times_are_those_of_forecasts():
    """Whatever got no forecast is an error; probes are not requests."""
    answers = [
        *(("infer", 200, 0.01), ("infer", 500, 0.02), ("infer", 422, 0.01), ("infer", 499, 1.0)),
        *(("grpc_infer", "OK", 0.01), ("grpc_infer", "UNAVAILABLE", 0.01)),
        *(("ready", 503, 9.0), ("unknown", 404, 9.0), ("/metrics", 200, 9.0)),
    ]

    found = read_figures(exposition(*answers))

    assert (found["requests"], found["errors"]) == (6, 4)
    assert found["seconds"] == pytest.approx(1.06)
    assert found["started"] == pytest.approx(time.time(), abs=86400)


@pytest.mark.parametrize("took", [0.0001, 0.003, 0.7, 15.0])
def test_squares_are_never_underestimated(took):
    """A spread that looks smaller than it is would end canaries by chance."""
    found = read_figures(exposition(*[("infer", 200, took)] * 3))

    assert found["squares"] >= 3 * took**2


def test_a_pod_that_has_answered_nothing_yet_has_counted_nothing():
    """The series are not there before the first request."""
    found = read_figures(exposition())

    assert (found["requests"], found["errors"], found["squares"]) == (0, 0, 0)
    assert found["started"] > 0


@contextlib.contextmanager
def serving(text):
    """A server that says this at /metrics, on a port of its own."""

    class Metrics(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/metrics" else 404)
            self.send_header("content-type", CONTENT_TYPE_LATEST)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *words):
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Metrics)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_a_pod_is_asked_at_its_address(monkeypatch):
    """And its rollout, its step and its restarts come from its own object."""
    with serving(exposition(("infer", 200, 0.01))) as port:
        monkeypatch.setattr(scraping, "PORT", port)
        (found,) = asyncio.run(scrape([pod(restarts=3)], fetch_directly))

    assert (found.pod, found.rollout, found.step) == ("f-predict-1", R, "f-predict")
    assert (found.requests, found.restarts, found.silent) == (1, 3, False)


def test_a_pod_that_does_not_answer_in_time_is_silent_and_holds_up_nobody(monkeypatch):
    """One listens and never answers, one is gone, one answers."""
    monkeypatch.setattr(scraping, "PATIENCE", 0.5)
    text = exposition(("infer", 200, 0.01))

    async def fetch(each):
        if each["metadata"]["name"] == "deaf":
            await asyncio.sleep(60)
        return await fetch_directly(each) if each["metadata"]["name"] == "gone" else text

    with socket.create_server(("127.0.0.1", 0)) as closed:
        monkeypatch.setattr(scraping, "PORT", closed.getsockname()[1])
    begun = time.monotonic()
    found = asyncio.run(scrape([pod("deaf"), pod("gone"), pod("well")], fetch))

    assert {each.pod: each.silent for each in found} == {"deaf": True, "gone": True, "well": False}
    assert time.monotonic() - begun < 5


def test_what_takes_no_requests_is_not_asked():
    """A pod that is not ready counts its restarts alone, and one that ends nothing."""

    async def fetch(each):
        raise AssertionError(each)

    found = asyncio.run(scrape([pod("new", ready=False, restarts=2), pod("old", deletionTimestamp="now")], fetch))

    assert [(each.pod, each.restarts, each.silent, each.started) for each in found] == [("new", 2, False, None)]


def test_of_many_pods_a_few_are_asked():
    """They stand for the rest, and the same ones do each time."""
    asked = []

    async def fetch(each):
        asked.append(each["metadata"]["name"])
        return exposition()

    found = asyncio.run(scrape([pod(f"f-predict-{number:03}") for number in range(99, -1, -1)], fetch))

    assert sorted(asked) == [f"f-predict-{number:03}" for number in range(16)]
    assert len(found) == 100
    assert not any(each.silent for each in found)


class OutsideApi:
    """An API server that passes on what it was asked for."""

    inside, namespace = False, "ns"

    async def text(self, path, *, seconds):
        """Answer with the path as the name of a metric."""
        assert seconds < 5
        assert path == "/api/v1/namespaces/ns/pods/f-predict-1:8080/proxy/metrics"
        return exposition(("infer", 200, 0.01))


def test_from_outside_the_cluster_the_api_server_passes_it_on():
    """A pod's port, by its name."""
    (found,) = asyncio.run(scrape([pod()], way_to_pods(OutsideApi())))

    assert found.requests == 1


def observed(*names, forecasts=101):
    """What a step's /metrics says of inputs of these names, each missing in every other row, and of forecasts."""
    registry, observations = CollectorRegistry(), Observations()
    registry.register(observations)
    inputs, forecast = Observed(R, names or ["a"], interval=0), Observed(R, ["forecast"], width=3)
    if names:
        observations.add(inputs)
    observations.add(forecast)
    for number in range(forecasts):
        inputs.look(np.full((1, len(names) or 1), np.nan if number % 2 else number))
        forecast.look(np.full((1, 1, 3), float(number)))
    return generate_latest(registry).decode()


def test_rows_gaps_and_quartiles_are_those_that_a_step_shows():
    """By the very metrics that it shows them with; what is never missing is not named."""
    found = read_figures(exposition(("infer", 200, 0.01)) + observed("wind", "rain with % and spaces"))

    assert (found["requests"], found["rows"]) == (1, 101)
    assert found["missing"] == {"wind": 50, "rain with % and spaces": 50}
    assert found["forecasts"] == Forecasts(rows=101, lower=25, median=50, upper=75)


def test_a_step_that_forecasts_alone_has_no_rows_of_inputs():
    """And without a forecast in the last minutes there is nothing to compare."""
    assert read_figures(observed())["rows"] == 0
    assert read_figures(observed(forecasts=0))["forecasts"] is None
    assert read_figures(exposition())["forecasts"] is None


def test_a_strange_name_of_a_column_harms_nothing():
    """It comes from a model's signature."""
    found = read_figures(observed('a"b', "c}d", "e\nf", "g"))

    assert found["rows"] == 101
    assert found["missing"]["g"] == 50
