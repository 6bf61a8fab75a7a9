"""One trace of a request through every process that it passes, as a collector gets it, and its id in their logs."""

import contextlib
import json
import secrets
import sqlite3
import sys
import time
from pathlib import Path

import grpc
import httpx
import numpy as np
import pytest
from otlp_receiver import receiving
from router import real_router
from small_server import started

from twinpin.step import protocol
from twinpin.step.step import Message

TWINPIN = str(Path(sys.executable).with_name("twinpin"))
#: One request in so many is logged.
EVERY = 7
SERVER, CLIENT = 2, 3

FEAST = "/predict/feast"
GRAPH = "twinpin-gateway graph"
THROUGH_THE_ROUTER = {
    f"twinpin-gateway {FEAST}": "client",
    GRAPH: f"twinpin-gateway {FEAST}",
    "twinpin-features infer": GRAPH,
    "twinpin-features features": "twinpin-features infer",
    "twinpin-features read features": "twinpin-features features",
    "twinpin-preprocess infer": GRAPH,
    "twinpin-preprocess preprocess": "twinpin-preprocess infer",
    "twinpin-predict infer": GRAPH,
    "twinpin-predict predict": "twinpin-predict infer",
    "twinpin-predict run model": "twinpin-predict predict",
}
OVER_GRPC = {
    f"twinpin-gateway {FEAST}": "client",
    GRAPH: f"twinpin-gateway {FEAST}",
    "twinpin-gateway call features": GRAPH,
    "twinpin-features grpc_infer": "twinpin-gateway call features",
    "twinpin-features features": "twinpin-features grpc_infer",
    "twinpin-features read features": "twinpin-features features",
    "twinpin-gateway call preprocess": GRAPH,
    "twinpin-preprocess grpc_infer": "twinpin-gateway call preprocess",
    "twinpin-preprocess preprocess": "twinpin-preprocess grpc_infer",
    "twinpin-gateway call predict": GRAPH,
    "twinpin-predict grpc_infer": "twinpin-gateway call predict",
    "twinpin-predict predict": "twinpin-predict grpc_infer",
    "twinpin-predict run model": "twinpin-predict predict",
}
IN_ONE_PROCESS = {
    f"twinpin-serve {FEAST}": "client",
    "twinpin-serve graph": f"twinpin-serve {FEAST}",
    "twinpin-serve features": "twinpin-serve graph",
    "twinpin-serve read features": "twinpin-serve features",
    "twinpin-serve preprocess": "twinpin-serve graph",
    "twinpin-serve predict": "twinpin-serve graph",
    "twinpin-serve run model": "twinpin-serve predict",
}


class Place:
    """A gateway, all that is behind it, and the collector of both."""

    def __init__(self, receiver, server, tree, log, fleet):
        self.receiver, self.tree = receiver, tree
        self.client, self.grpc_port = httpx.Client(base_url=server.url, timeout=30), server.grpc_port
        self._log, self._fleet = log, fleet

    def lines(self, trace_id, number=1):
        """Wait for so many lines of a request, and return those of each process that wrote any."""
        deadline = time.monotonic() + 20
        while True:
            found = {name: [each for each in lines if each.get("trace_id") == trace_id] for name, lines in self._all()}
            if sum(map(len, found.values())) >= number or time.monotonic() > deadline:
                return {name: lines for name, lines in found.items() if lines}
            time.sleep(0.02)

    def _all(self):
        """Read every log."""
        yield "gateway", [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]
        if self._fleet is not None:
            for name in self._fleet.processes:
                yield name, self._fleet.lines(name)


@pytest.fixture(scope="module")
def receiver():
    """The collector."""
    with receiving() as running:
        yield running


@pytest.fixture(scope="module")
def steps(world, receiver, tmp_path_factory):
    """The three steps, which send their spans there."""
    from step_fleet import fleet  # noqa: PLC0415 -- Feast takes four seconds to import

    with fleet(world, tmp_path_factory.mktemp("fleet"), "--log-requests", EVERY, **receiver.variables) as running:
        yield running


@pytest.fixture(scope="module", params=[pytest.param("graph", marks=pytest.mark.router), "direct", "serve"])
def place(request, world, receiver, tmp_path_factory):
    """Each topology."""
    scratch = tmp_path_factory.mktemp(request.param)
    log = scratch / "gateway.log"
    with contextlib.ExitStack() as running:
        if request.param == "serve":
            command, fleet = [TWINPIN, "serve", *world.flags("traced")], None
            tree = IN_ONE_PROCESS
        else:
            fleet, graph_file = request.getfixturevalue("steps"), scratch / "graph.yaml"
            graph_file.write_text(fleet.graph().text())
            command = [TWINPIN, "gateway", "--host", "127.0.0.1", "--http-port", "0", "--grpc-port", "0"]
            command += ["--graph", str(graph_file), "--mode", request.param]
            tree = OVER_GRPC
        if request.param == "direct":
            command += ["--step-grpc-port", str(fleet.grpc_port)]
        elif request.param == "graph":
            command += ["--graph-url", running.enter_context(real_router(fleet.graph()))]
            tree = THROUGH_THE_ROUTER
        server = running.enter_context(started([*command, "--log-requests", str(EVERY)], log, **receiver.variables))
        made = Place(receiver, server, tree, log, fleet)
        with made.client:
            yield made


def context(*, logged=False, flags="01"):
    """Make what a client sends: a new trace id, and whether it is one of those that are logged."""
    number = secrets.randbits(63) // EVERY * EVERY + (0 if logged else 1)
    trace_id = f"{secrets.randbits(63):016x}{number:016x}"
    return trace_id, f"00-{trace_id}-00f067aa0ba902b7-{flags}"


def tree(spans):
    """Name the parent of each span; the client's own is none of ours."""
    names = {span.span_id: f"{span.service} {span.name}" for span in spans} | {"00f067aa0ba902b7": "client"}
    return {names[span.span_id]: names.get(span.parent, span.parent) for span in spans}


def test_one_request_is_one_trace(place):
    """Every process has its spans in it, each below the one that called it."""
    trace_id, parent = context()
    answer = place.client.post(FEAST, json={"entities": [1, 2]}, headers={"traceparent": parent, "tracestate": "a=b"})

    spans = place.receiver.of(trace_id, len(place.tree))
    named = {span.name: span for span in spans}
    pair = answer.json()["pair"]["id"]
    assert answer.status_code == 200
    assert tree(spans) == place.tree
    assert {span.state for span in spans} == {"a=b"}
    assert named[FEAST].attributes["twinpin.pair"] == pair
    assert named[FEAST].attributes["http.response.status_code"] == 200
    assert [named[name].attributes["twinpin.rows"] for name in (FEAST, "read features", "predict")] == [2, 2, 2]
    assert [named[name].attributes.get("twinpin.pair") for name in ("features", "preprocess", "predict")] == [
        None,
        pair,
        pair,
    ]
    assert (named[FEAST].kind, named["read features"].kind, named["predict"].kind) == (SERVER, CLIENT, 1)
    assert not any(span.failed for span in spans)
    assert named["run model"].seconds < named["predict"].seconds < named[FEAST].seconds


def test_the_metrics_point_at_what_is_recorded(place):
    """The time of a request has its trace as an exemplar."""
    trace_id, parent = context()
    place.client.post(FEAST, json={"entities": 1}, headers={"traceparent": parent})
    quiet, silent = context(flags="00")
    place.client.post("/predict/feast/batch", json={"entities": [1]}, headers={"traceparent": silent})

    shown = place.client.get("/metrics", headers={"accept": "application/openmetrics-text"}).text
    assert f'trace_id="{trace_id}"' in shown
    assert quiet not in shown


def test_a_trace_begins_where_the_client_brings_none(place):
    """The gateway's span is the first of it."""
    before = len(place.receiver.spans)
    answer = place.client.post("/v2/models/forecast/infer", json=entities(1))

    deadline = time.monotonic() + 20
    while not (roots := [span for span in place.receiver.spans[before:] if not span.parent]):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    spans = place.receiver.of(roots[0].trace_id, len(place.tree))
    assert answer.status_code == 200
    assert len(roots) == 1
    assert roots[0].name == "infer"
    assert len(spans) == len(place.tree)


def test_an_answer_does_not_tell_the_trace(place):
    """It travels in the parameters through the router, and ends with the last step."""
    _, parent = context()
    sent = entities(1) | {"parameters": {"traceparent": parent, "note": "mine"}}
    answer = place.client.post("/v2/models/forecast/infer", json=sent, headers={"traceparent": parent})

    assert answer.json()["parameters"]["note"] == "mine"
    assert not {"traceparent", "tracestate"} & answer.json()["parameters"].keys()


def test_a_client_over_grpc_brings_its_trace_as_metadata(place):
    """As one over REST does in its headers."""
    trace_id, parent = context()
    request = protocol.request_proto(Message({"location_id": np.array([1])}), "forecast")
    with grpc.insecure_channel(f"127.0.0.1:{place.grpc_port}") as channel:
        call = channel.unary_unary(
            protocol.MODEL_INFER,
            request_serializer=protocol.SealedRequest.SerializeToString,
            response_deserializer=protocol.ModelInferResponse.FromString,
        )
        answer = call(request, metadata=[("traceparent", parent)], timeout=30)

    spans = place.receiver.of(trace_id, len(place.tree))
    first = next(span for span in spans if span.parent == "00f067aa0ba902b7")
    assert first.name == "grpc_infer"
    assert first.attributes["rpc.grpc.status_code"] == 0
    assert len(spans) == len(place.tree)
    assert "traceparent" not in answer.parameters


def test_nobody_records_what_the_client_does_not(place):
    """Its word counts in every process, and its trace id still is in the logs."""
    quiet, silent = context(logged=True, flags="00")
    loud, parent = context()
    place.client.post(FEAST, json={"entities": 1}, headers={"traceparent": silent})
    place.client.post(FEAST, json={"entities": 1}, headers={"traceparent": parent})

    assert len(place.receiver.of(loud, len(place.tree))) == len(place.tree)
    assert [span for span in place.receiver.spans if span.trace_id == quiet] == []
    assert "gateway" in place.lines(quiet)


def test_every_process_logs_the_same_requests(place):
    """One in so many, by the trace id: a line in each process, with the pair where it is known."""
    logged, parent = context(logged=True)
    others, other = context(logged=False)
    place.client.post(FEAST, json={"entities": 1}, headers={"traceparent": other})
    answer = place.client.post(FEAST, json={"entities": 1}, headers={"traceparent": parent, "x-request-id": "mine"})

    processes = 1 if place.tree is IN_ONE_PROCESS else 4
    found = place.lines(logged, processes)
    pair = answer.json()["pair"]["id"]
    assert {name: len(lines) for name, lines in found.items()} == dict.fromkeys(found, 1)
    assert len(found) == processes
    said = {"level": "INFO", "message": "request answered", "endpoint": FEAST, "status": 200, "rows": 1}
    assert found["gateway"][0].items() >= (said | {"pair": pair, "request_id": "mine"}).items()
    assert all(lines[0]["pair"] == pair for name, lines in found.items() if name != "features")
    assert place.lines(others, 0) == {}


def test_a_failed_request_is_one_line_in_each_process_that_failed(world, place):
    """With one trace id and the cause where it lies; the spans say so too. What went well before has none."""
    trace_id, parent = context()
    with closing_store(world):
        answer = place.client.post(FEAST, json={"entities": 1}, headers={"traceparent": parent})

    expected = {"gateway": 1} if place.tree is IN_ONE_PROCESS else {"features": 1, "gateway": 1}
    found = place.lines(trace_id, len(expected))
    innermost = found["gateway" if place.tree is IN_ONE_PROCESS else "features"][0]
    assert answer.status_code == 503
    assert {name: len(lines) for name, lines in found.items()} == expected
    for lines in found.values():
        said = {"level": "WARNING", "message": "request failed", "status": 503, "error": answer.json()["error"]}
        assert lines[0].items() >= said.items()
    assert "no such table" in innermost["cause"]
    spans = {span.name: span for span in place.receiver.of(trace_id, names=(FEAST, "graph", "read features"))}
    assert {FEAST, "graph", "read features"} <= {name for name, span in spans.items() if span.failed}
    assert spans["read features"].exceptions == ["twinpin.step.errors.Unavailable"]
    assert "preprocess" not in spans


def test_what_a_client_did_wrong_is_no_line(place):
    """It is counted, and recorded where its trace is; the log is the operator's."""
    trace_id, parent = context()
    answer = place.client.post(FEAST, json={"entities": [99]}, headers={"traceparent": parent})

    later, logged = context(logged=True)
    place.client.post(FEAST, json={"entities": 1}, headers={"traceparent": logged})

    (first,) = [span for span in place.receiver.of(trace_id, names=(FEAST,)) if span.name == FEAST]
    assert answer.status_code == 422
    assert (first.attributes["http.response.status_code"], first.failed) == (422, False)
    assert "gateway" in place.lines(later)
    assert place.lines(trace_id, 0) == {}


def entities(*ids):
    """Write a protocol request for entities."""
    return {"inputs": [{"name": "location_id", "datatype": "INT64", "shape": [len(ids)], "data": list(ids)}]}


@contextlib.contextmanager
def closing_store(world):
    """Take the table of the features away, and give it back."""
    with contextlib.closing(sqlite3.connect(world.online["path"])) as store:
        (table,) = store.execute("select name from sqlite_master where name like '%sea_windows'").fetchone()
        store.execute(f"alter table {table} rename to away")
        try:
            yield
        finally:
            store.execute(f"alter table away rename to {table}")
