"""The protocol over REST, driven as ASGI without a socket."""

import asyncio
import time

import httpx
import numpy as np
import orjson
import pytest
from echo_step import EchoStep, WaitingStep
from metric_samples import growth
from starlette.applications import Starlette

from twinpin.step.errors import Busy, UnknownEntities
from twinpin.step.lifecycle import Lifecycle
from twinpin.step.rest import Limits, routes
from twinpin.step.runner import StepModel
from twinpin.step.step import Message, TensorSpec
from twinpin.step.telemetry import metrics_route

INFER = "/v2/models/echo/infer"
TENSOR = {"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [1.5, 2]}
LIMITS = Limits(max_body_bytes=2000, max_rows=5, request_timeout=5)


def request(mode="echo", **document):
    """A request of one row."""
    return {"id": "r-1", "parameters": {"mode": mode}, "inputs": [TENSOR]} | document


class Stub:
    """A model that does what a test says; the whole graph is one too."""

    name = "stub"
    versions = ()
    platform = "test"
    inputs = outputs = (TensorSpec("x", "FP32", (-1,)),)

    def __init__(self, infer):
        self._infer = infer

    async def infer(self, message, *, deadline=None):
        """Call what was given."""
        return await self._infer(message, deadline)

    async def check(self):
        """Always ready."""


def connect(*models, lifecycle=None, limits=LIMITS):
    """A client of an application with these models."""
    app = Starlette(routes=[*routes(models, limits, lifecycle), metrics_route()])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=True), base_url="http://test")


@pytest.fixture
async def lifecycle():
    """Whether the server stops."""
    return Lifecycle()


@pytest.fixture
async def step(tmp_path):
    """The step behind the client."""
    return EchoStep(tmp_path)


@pytest.fixture
async def client(step, lifecycle):
    """A client of one echo step."""
    model = StepModel(step)
    async with connect(model, lifecycle=lifecycle) as client:
        yield client
    await model.aclose()


async def test_inference_echoes_id_parameters_and_version(client):
    """What the client sent beside the tensors comes back with what the step added."""
    answer = await client.post(INFER, json=request())

    assert answer.status_code == 200
    assert answer.json() == {
        "model_name": "echo",
        "model_version": "7",
        "id": "r-1",
        "parameters": {"mode": "echo", "pair": "p3-m7-abc123"},
        "outputs": [TENSOR],
    }


async def test_answer_may_be_the_next_steps_request(client):
    """The query that stands in the graph document makes a response into a request, outputs asked for included."""
    answer = await client.post(f"{INFER}?answer=request", json=request(outputs=[{"name": "forecast"}]))

    document = answer.json()
    assert document["inputs"] == [TENSOR]
    assert document["outputs"] == [{"name": "forecast"}]
    assert "model_name" not in document


@pytest.mark.parametrize("query", ["answer=inputs", "answer=request&answer=x"])
async def test_unknown_form_of_answer_is_refused(client, query):
    """A typo in a graph document must not go unseen."""
    answer = await client.post(f"{INFER}?{query}", json=request())

    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/v2/models/echo/versions/7/infer", "/v2/models/echo/versions/p3-m7-abc123/infer"])
async def test_version_paths(client, path):
    """Every version that the step answers to has its path."""
    assert (await client.post(path, json=request())).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2", 200),
        ("GET", "/v2/", 200),
        ("GET", "/v2/health/live", 200),
        ("HEAD", "/v2/health/live", 200),
        ("GET", "/v2/health/ready", 200),
        ("GET", "/v2/models", 200),
        ("GET", "/v2/models/echo", 200),
        ("GET", "/v2/models/echo/ready", 200),
        ("GET", "/v2/models/echo/versions/7", 200),
        ("GET", "/v2/models/echo/versions/7/ready", 200),
        ("GET", "/v2/models/echo/versions/8/ready", 404),
        ("GET", "/v2/models/echo/versions/8", 404),
        ("POST", "/v2/models/echo/versions/8/infer", 404),
        ("GET", "/v2/models/none", 404),
        ("GET", "/v2/models/none/ready", 404),
        ("POST", "/v2/models/none/infer", 404),
        ("GET", "/v2/nothing/here", 404),
        ("POST", "/v2/repository/models/echo/unload", 404),
        ("GET", INFER, 405),
        ("DELETE", "/v2/models/echo", 405),
        ("POST", "/v2/health/ready", 405),
    ],
)
async def test_paths_and_the_one_shape_of_errors(client, method, path, status):
    """Whatever is wrong, the body is {"error": sentence}."""
    answer = await client.request(method, path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    if status >= 400:
        assert list(answer.json()) == ["error"]
    if status == 405:
        assert answer.headers["allow"] in {"POST", "GET, HEAD"}


async def test_metadata_says_what_goes_in_and_out(client):
    """All fields of the protocol."""
    answer = await client.get("/v2/models/echo")

    assert answer.json() == {
        "name": "echo",
        "versions": ["7", "p3-m7-abc123"],
        "platform": "test_echo",
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}],
        "outputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}],
    }


@pytest.mark.parametrize(
    ("mode", "status", "retry"),
    [("bug", 500, None), ("impossible", 422, None), ("mismatch", 409, None), ("down", 503, "3")],
)
async def test_each_error_has_its_status(client, mode, status, retry):
    """With a time to come again where that helps, and no cause inside a defect's answer."""
    answer = await client.post(INFER, json=request(mode))

    assert answer.status_code == status
    assert answer.headers.get("retry-after") == retry
    assert "10.0.0.1" not in answer.text


async def test_an_error_may_say_more_than_its_sentence():
    """Unknown entities are listed beside it."""

    async def infer(_message, _deadline):
        raise UnknownEntities("no features for 9; ask for others", {"9": "unknown"})

    async with connect(Stub(infer)) as client:
        answer = await client.post("/v2/models/stub/infer", json=request())

    assert answer.json() == {"error": "no features for 9; ask for others", "missing": {"9": "unknown"}}


async def test_a_defect_of_a_served_model_is_answered(caplog):
    """Even where the model is none of our steps."""

    async def infer(_message, _deadline):
        raise RuntimeError("10.0.0.1")

    async with connect(Stub(infer)) as client:
        answer = await client.post("/v2/models/stub/infer", json=request())

    assert (answer.status_code, list(answer.json())) == (500, ["error"])
    assert "10.0.0.1" not in answer.text
    assert len(caplog.records) == 1


@pytest.mark.parametrize("headers", [{}, {"content-type": "text/plain"}, {"content-type": ""}])
async def test_content_type_does_not_matter(client, headers):
    """The router and curl send whatever they like."""
    answer = await client.post(INFER, content=orjson.dumps(request()), headers=headers)

    assert answer.status_code == 200


async def test_a_compressed_body_is_refused_by_name(client):
    """Better than a complaint about its JSON."""
    answer = await client.post(INFER, content=b"x", headers={"content-encoding": "gzip"})

    assert answer.status_code == 400
    assert "gzip" in answer.json()["error"]


async def chunks(size):
    """A streamed body, whose length nobody announced."""
    for _ in range(size // 500):
        yield b" " * 500


async def test_a_body_over_the_limit_is_refused_announced_or_streamed(client):
    """Before it is read, or while it is."""
    announced = await client.post(INFER, content=b" " * 2001)
    streamed = await client.post(INFER, content=chunks(50_000))

    assert (announced.status_code, streamed.status_code) == (413, 413)


async def test_rows_over_the_limit_are_refused(client):
    """The limit is said."""
    answer = await client.post(INFER, json={"data": {"a": [1] * 6}})

    assert (answer.status_code, "at most 5" in answer.text) == (413, True)


async def test_busy_says_when_to_come_again():
    """429 with Retry-After."""

    async def infer(_message, _deadline):
        raise Busy("full; try again", retry_after=0.2)

    async with connect(Stub(infer)) as client:
        answer = await client.post("/v2/models/stub/infer", json=request())

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


@pytest.mark.parametrize(("header", "seconds"), [("0.5", 0.5), ("100", 5), (None, 5)])
async def test_the_clients_deadline_is_passed_on_and_bounded(header, seconds):
    """The server's limit is the most that one may ask for."""
    left = []

    async def infer(message, deadline):
        left.append(deadline - time.monotonic())
        return message

    async with connect(Stub(infer)) as client:
        headers = {} if header is None else {"x-request-timeout": header}
        await client.post("/v2/models/stub/infer", json=request(), headers=headers)

    assert seconds - 0.3 < left[0] <= seconds


@pytest.mark.parametrize("header", ["", "soon", "-1", "0", "nan"])
async def test_a_deadline_that_is_none_is_refused(client, header):
    """A typo must not mean forever."""
    answer = await client.post(INFER, json=request(), headers={"x-request-timeout": header})

    assert answer.status_code == 400


async def test_a_deadline_that_passes_is_504():
    """The work is cancelled where it can be."""
    step = WaitingStep(asyncio.Event())
    model = StepModel(step)
    async with connect(model) as client:
        answer = await client.post(INFER, json=request("wait"), headers={"x-request-timeout": "0.02"})

    assert answer.status_code == 504
    assert step.cancelled == 1
    await model.aclose()


async def test_not_ready_while_the_step_is_down(client, step):
    """Readiness is the step's own, and liveness is not."""
    (step.folder / "down").touch()

    paths = ["/v2/health/ready", "/v2/models/echo/ready", "/v2/health/live"]
    answers = [await client.get(path) for path in paths]

    assert [answer.status_code for answer in answers] == [503, 503, 200]
    for answer in answers[:2]:
        assert answer.json() == {"error": "the store is down; try again"}
        assert answer.headers["retry-after"] == "1"
    assert step.loads == 0


async def test_not_ready_while_draining_but_still_answering(client, lifecycle):
    """Whoever was routed here a moment ago gets its answer."""
    lifecycle.drain()

    assert (await client.get("/v2/health/ready")).status_code == 503
    assert (await client.post(INFER, json=request())).status_code == 200


async def test_a_check_that_hangs_is_not_ready(monkeypatch):
    """A probe gets its answer in time."""
    monkeypatch.setattr("twinpin.step.models._CHECK_TIMEOUT", 0.01)

    class Hanging(EchoStep):
        async def check(self):
            await asyncio.Event().wait()

    model = StepModel(Hanging())
    async with connect(model) as client:
        answer = await client.get("/v2/health/ready")

    assert answer.status_code == 503
    await model.aclose()


async def test_requested_outputs_in_json_or_binary(client):
    """An output's own wish beats the request's."""
    outputs = [{"name": "b", "parameters": {"binary_data": False}}, {"name": "a"}]
    tensors = [TENSOR | {"name": name} for name in "abc"]
    document = request(inputs=tensors, outputs=outputs, parameters={"binary_data_output": True})

    answer = await client.post(INFER, json=document)

    length = int(answer.headers["inference-header-content-length"])
    head = orjson.loads(answer.content[:length])
    assert [output["name"] for output in head["outputs"]] == ["b", "a"]
    assert head["outputs"][0]["data"] == [1.5, 2.0]
    assert np.frombuffer(answer.content[length:], "<f4").tolist() == [1.5, 2.0]
    assert "binary_data_output" not in head["parameters"]


@pytest.mark.parametrize(
    ("whole", "own", "binary"),
    [(True, False, False), (False, True, True), (None, True, True), (True, None, True), (False, None, False)],
)
async def test_an_outputs_own_wish_beats_the_requests(client, whole, own, binary):
    """Triton's extension names `binary_data_output` for all outputs and `binary_data` for one."""
    parameters = {} if whole is None else {"binary_data_output": whole}
    output = {"name": "x"} if own is None else {"name": "x", "parameters": {"binary_data": own}}

    answer = await client.post(INFER, json=request(parameters=parameters, outputs=[output]))

    assert answer.status_code == 200
    assert ("inference-header-content-length" in answer.headers) is binary
    assert answer.headers["content-type"] == ("application/octet-stream" if binary else "application/json")


async def test_unknown_requested_output_is_refused(client):
    """The sentence lists what there is."""
    answer = await client.post(INFER, json=request(outputs=[{"name": "y"}]))

    assert (answer.status_code, "['x']" in answer.json()["error"]) == (400, True)


@pytest.mark.parametrize("length", ["x", "-1", "9" * 30, "1.5", "99999"])
async def test_a_wrong_length_of_json_is_refused(client, length):
    """The header is the client's word only."""
    headers = {"inference-header-content-length": length}
    answer = await client.post(INFER, json=request(), headers=headers)

    assert answer.status_code == 400


async def test_a_client_that_hangs_up_cancels_its_own_work_only():
    """ASGI's disconnect reaches a coroutine step; no answer is sent to nobody."""
    step = WaitingStep(asyncio.Event())
    model = StepModel(step)
    app = Starlette(routes=routes([model], LIMITS))
    hung_up = asyncio.Event()
    sent = []
    events = [{"type": "http.request", "body": orjson.dumps(request("wait"))}]

    async def receive():
        if events:
            return events.pop()
        await hung_up.wait()
        return {"type": "http.disconnect"}

    async def send(event):
        sent.append(event)

    scope = {"type": "http", "method": "POST", "path": INFER, "query_string": b"", "headers": [], "root_path": ""}
    call = asyncio.create_task(app(scope, receive, send))
    other = asyncio.create_task(model.infer(Message({"x": np.ones(1)}, {"mode": "wait"})))
    hung_up.set()
    await call

    assert (step.cancelled, sent, other.done()) == (1, [], False)
    step.event.set()
    await other
    await model.aclose()


async def test_a_client_that_hangs_up_within_its_body_is_forgotten():
    """Nothing is run for half a body."""
    step = EchoStep()
    app = Starlette(routes=routes([StepModel(step)], LIMITS))
    events = [{"type": "http.disconnect"}, {"type": "http.request", "body": b'{"inp', "more_body": True}]
    sent = []

    async def receive():
        return events.pop()

    async def send(event):
        sent.append(event)

    scope = {"type": "http", "method": "POST", "path": INFER, "query_string": b"", "headers": [], "root_path": ""}
    await app(scope, receive, send)

    assert (sent, step.done) == ([], [])


async def test_a_body_that_does_not_arrive_is_504():
    """A client that sends slowly holds nothing for longer than its deadline."""

    async def slowly():
        yield b"{"
        await asyncio.Event().wait()

    async with connect(StepModel(EchoStep())) as client:
        answer = await client.post(INFER, content=slowly(), headers={"x-request-timeout": "0.05"})

    assert (answer.status_code, "arrive in time" in answer.text) == (504, True)


async def test_metrics_count_by_endpoint_and_status(client):
    """The label is a fixed word: a client's made-up path makes no series."""
    await client.get("/v2/made/up")
    answer = await client.get("/metrics")

    assert 'twinpin_requests_total{endpoint="unknown",status="404"}' in answer.text
    assert "made" not in answer.text


async def test_the_rows_of_a_request_are_counted(client):
    """Those of one that was read; one that is refused for too many counts as none."""
    with growth("twinpin_request_entities_sum", endpoint="infer") as grown:
        await client.post(INFER, json=request(inputs=[TENSOR | {"shape": [3, 2], "data": [0.5] * 6}]))
        refused = await client.post(INFER, json=request(inputs=[TENSOR | {"shape": [6, 2], "data": [0.5] * 12}]))

    assert refused.status_code == 413
    assert grown == [3]
