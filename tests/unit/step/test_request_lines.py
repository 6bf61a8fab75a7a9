"""What the log says of requests: a line of each that failed, with its trace, and nothing of anybody's body."""

import asyncio
import io
import json
import logging
import threading

import httpx
import pytest
from echo_step import EchoStep
from starlette.applications import Starlette

from twinpin.step import journal
from twinpin.step.decode import decode_request
from twinpin.step.lifecycle import Lifecycle
from twinpin.step.outages import Outages
from twinpin.step.rest import Limits, routes
from twinpin.step.runner import StepModel
from twinpin.step.telemetry import JsonLines

INFER = "/v2/models/echo/infer"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"
PAIR = "p3-m7-abc123"
#: Loggers of the client that asks, and of the loop that it runs on.
OTHERS = {"asyncio", "httpcore", "httpx"}


class Talking(EchoStep):
    """A step that has something to say, from its thread."""

    def run(self, tensors, context):
        """Say it, and echo."""
        logging.getLogger("talking").warning("thinking")
        return super().run(tensors, context)


class Late(EchoStep):
    """A step that works until it is told to fail."""

    def __init__(self):
        super().__init__()
        self.go = threading.Event()

    def run(self, tensors, context):
        """Wait, and fail."""
        assert self.go.wait(20)
        raise ZeroDivisionError


@pytest.fixture
def lines():
    """What is logged, as it is written, at whatever level is set."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: [line for line in map(json.loads, stream.getvalue().splitlines()) if line["logger"] not in OTHERS]
    root.setLevel(level)
    root.removeHandler(handler)
    journal.configure(0)


def connect(step, lifecycle=None, **limits):
    """A client of an application that serves the step."""
    app = Starlette(routes=routes([StepModel(step)], Limits(**limits), lifecycle))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


def request(mode="echo", **parameters):
    """A request of three rows."""
    tensor = {"name": "x", "datatype": "FP32", "shape": [3, 2], "data": [1, 2, 3, 4, 5, 6]}
    return {"id": "r-1", "parameters": {"mode": mode, **parameters}, "inputs": [tensor]}


async def test_a_defect_is_one_error_with_its_traceback(lines):
    """Endpoint, status, rows, ids and pair are in the line."""
    async with connect(EchoStep()) as client:
        await client.post(INFER, json=request("bug"), headers={"traceparent": PARENT})

    (line,) = lines()
    said = {"level": "ERROR", "message": "request failed", "endpoint": "infer", "status": 500, "rows": 3}
    assert line.items() >= (said | {"trace_id": TRACE, "pair": PAIR, "request_id": "r-1"}).items()
    assert "ZeroDivisionError: secret" in line["exception"]
    assert 0 < line["seconds"] < 5


@pytest.mark.parametrize(("mode", "status"), [("down", 503), ("mismatch", 409)])
async def test_what_is_down_and_what_does_not_fit_is_one_warning(lines, mode, status):
    """An operator can do something about both."""
    async with connect(EchoStep()) as client:
        answer = await client.post(INFER, json=request(mode))

    (line,) = lines()
    assert line.items() >= {"level": "WARNING", "status": status, "error": answer.json()["error"]}.items()
    assert "exception" not in line


async def test_what_comes_too_late_is_one_warning(lines):
    """It is the server that was slow."""
    async with connect(EchoStep()) as client:
        await client.post(INFER, json=request("sleep", seconds=0.2), headers={"x-request-timeout": "0.05"})

    assert [(line["level"], line["status"]) for line in lines()] == [("WARNING", 504)]


async def test_work_that_fails_when_nobody_waits_is_told_apart(lines):
    """Its request was answered 504; what was broken is a line of its own, with the same trace."""
    step = Late()
    async with connect(step) as client:
        await client.post(INFER, json=request(), headers={"x-request-timeout": "0.05", "traceparent": PARENT})
    step.go.set()
    async with asyncio.timeout(20):
        while len(lines()) < 2:  # noqa: ASYNC110 -- a thread of the step writes the second one
            await asyncio.sleep(0.005)

    assert [(line["message"], line["trace_id"]) for line in lines()] == [
        ("request failed", TRACE),
        ("step echo failed", TRACE),
    ]
    assert "ZeroDivisionError" in lines()[1]["exception"]


MISTAKES = [
    pytest.param(INFER, b'{"inputs": [{"name": "private"', 400, "Malformed", id="malformed"),
    pytest.param("/v2/models/private/infer", json.dumps(request()).encode(), 404, "UnknownModel", id="unknown"),
    pytest.param(INFER, json.dumps(request("impossible")).encode(), 422, "Impossible", id="impossible"),
    pytest.param(INFER, b"x" * 5000, 413, "TooLarge", id="too large"),
]


@pytest.mark.parametrize(("path", "body", "status", "kind"), MISTAKES)
async def test_a_clients_mistake_is_no_line(lines, path, body, status, kind):
    """It is the client's to mend, and could fill the disk."""
    async with connect(EchoStep(), max_body_bytes=2000) as client:
        answer = await client.post(path, content=body)

    assert (answer.status_code, lines()) == (status, [])
    assert kind


@pytest.mark.parametrize(("path", "body", "status", "kind"), MISTAKES)
async def test_at_debug_it_is_one_line_without_the_clients_words(lines, path, body, status, kind):
    """The kind of mistake, and never what was sent."""
    logging.getLogger().setLevel(logging.DEBUG)
    async with connect(EchoStep(), max_body_bytes=2000) as client:
        await client.post(path, content=body, headers={"traceparent": PARENT})

    (line,) = lines()
    assert line.items() >= {"level": "DEBUG", "status": status, "error": kind, "trace_id": TRACE}.items()
    assert "private" not in json.dumps(line)


async def test_what_went_well_is_no_line(lines):
    """By default."""
    async with connect(EchoStep()) as client:
        await client.post(INFER, json=request())

    assert lines() == []


async def test_one_in_so_many_is_chosen_by_its_trace_id(lines):
    """So that every process chooses the same ones."""
    journal.configure(3)
    async with connect(EchoStep()) as client:
        for number in range(1, 10):
            parent = f"00-{TRACE[:16]}{number:016x}-{SPAN}-00"
            await client.post(INFER, json=request(), headers={"traceparent": parent})

    assert [int(line["trace_id"][16:], 16) for line in lines()] == [3, 6, 9]
    assert {(line["level"], line["message"], line["status"]) for line in lines()} == {("INFO", "request answered", 200)}


async def test_a_share_of_those_without_a_trace_is_chosen_too(lines):
    """Their ids are drawn here."""
    journal.configure(4)
    async with connect(EchoStep()) as client:
        for _ in range(200):
            await client.post(INFER, json=request())

    assert 20 < len(lines()) < 90


async def test_probes_make_no_line(lines):
    """A server that is not ready says so every other second."""
    lifecycle = Lifecycle()
    lifecycle.drain()
    async with connect(EchoStep(), lifecycle) as client:
        ready = await client.get("/v2/health/ready")

    assert (ready.status_code, lines()) == (503, [])


async def test_a_line_from_a_thread_belongs_to_the_request(lines):
    """What a step says while it works has the trace id and the pair."""
    async with connect(Talking()) as client:
        await client.post(INFER, json=request(), headers={"traceparent": PARENT})

    assert [(line["message"], line["trace_id"], line["pair"]) for line in lines()] == [("thinking", TRACE, PAIR)]


async def test_a_line_outside_of_requests_has_no_trace(lines):
    """After one, too."""
    async with connect(EchoStep()) as client:
        await client.post(INFER, json=request(), headers={"traceparent": PARENT})
    logging.getLogger("test").info("on")

    assert [line.keys() & {"trace_id", "pair"} for line in lines()] == [set()]


async def test_the_line_of_an_outage_belongs_to_no_request(lines):
    """However many meet it, it is one; each of them has its own."""
    outages = Outages(logging.getLogger("test"))

    class Down(EchoStep):
        def run(self, tensors, context):
            outages.failed("the store", "refused")
            return super().run(tensors, context)

    async with connect(Down()) as client:
        for _ in range(3):
            await client.post(INFER, json=request("down"), headers={"traceparent": PARENT})

    said = [(line["message"], line.get("trace_id")) for line in lines()]
    assert sorted(said) == [("request failed", TRACE)] * 3 + [("the store cannot be reached", None)]


@pytest.mark.parametrize("form", ["request", "raw"])
async def test_the_next_step_gets_the_same_parent(form):
    """KServe's router hands an answer on as the next request, without a header."""
    async with connect(EchoStep()) as client:
        first = await client.post(f"{INFER}?answer={form}", json=request(traceparent=PARENT, tracestate="a=b"))
        second = await client.post(f"{INFER}?answer={form}", content=first.content)

    for answer in (first, second):
        parameters = decode_request(answer.content).parameters
        assert (parameters["traceparent"], parameters["tracestate"]) == (PARENT, "a=b")


async def test_a_header_beats_the_parameter():
    """A router that propagates headers is nearer."""
    other, own = f"00-{'1' * 32}-{SPAN}-00", {"traceparent": PARENT}
    async with connect(EchoStep()) as client:
        answer = await client.post(f"{INFER}?answer=raw", json=request(traceparent=other), headers=own)

    assert decode_request(answer.content).parameters["traceparent"] == PARENT


async def test_the_first_step_of_a_graph_begins_a_trace_for_all():
    """Where a client asks the router itself and brings none."""
    async with connect(EchoStep()) as client:
        first = await client.post(f"{INFER}?answer=raw", json=request())
        second = await client.post(f"{INFER}?answer=raw", content=first.content)

    begun = decode_request(first.content).parameters["traceparent"]
    assert decode_request(second.content).parameters["traceparent"] == begun


@pytest.mark.parametrize("hostile", ["", "00-0-0-0", 7, True, 1.5, "x" * 3000, f"00-{'0' * 32}-{SPAN}-01"])
async def test_a_parameter_that_is_no_trace_is_no_reason_to_refuse(hostile):
    """A new trace begins, and what was sent goes no further."""
    async with connect(EchoStep()) as client:
        handed = await client.post(f"{INFER}?answer=request", json=request(traceparent=hostile))
        answer = await client.post(INFER, json=request(traceparent=hostile))

    parent = decode_request(handed.content).parameters["traceparent"]
    assert (handed.status_code, answer.status_code) == (200, 200)
    assert len(parent) == 55
    assert parent != hostile
    assert "traceparent" not in answer.json()["parameters"]
