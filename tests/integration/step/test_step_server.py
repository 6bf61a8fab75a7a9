"""A step's own process, against each defect that KServe's SDK has in its place."""

import asyncio
import socket
import time

import grpc
import httpx
import numpy as np
import orjson
import pytest

from twinpin.step import health, protocol
from twinpin.step.step import Message

INFER = "/v2/models/echo/infer"


def request(mode="echo", **parameters):
    """A request of one row."""
    tensor = {"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [1.5, 2]}
    return {"id": "r-1", "parameters": {"mode": mode} | parameters, "inputs": [tensor]}


def message(mode="echo", **parameters):
    """The same as a Message."""
    return Message({"x": np.array([[1.5, 2]], np.float32)}, {"mode": mode} | parameters, "r-1")


@pytest.fixture
async def rest(echo_server):
    """A client that keeps one connection."""
    limits = httpx.Limits(max_connections=1)
    async with httpx.AsyncClient(base_url=echo_server.url, limits=limits, timeout=20) as client:
        yield client


@pytest.fixture
async def channel(echo_server):
    """A gRPC channel."""
    async with grpc.aio.insecure_channel(echo_server.target) as channel:
        yield channel


async def call(channel, path, raw, response=protocol.ModelInferResponse, **options):
    """Call one method with bytes."""
    answer = await channel.unary_unary(path)(raw, timeout=20, **options)
    return response.FromString(answer)


async def infer(channel, sent):
    """Infer over gRPC."""
    raw = protocol.request_proto(sent, "echo").SerializeToString()
    return protocol.response_message(await call(channel, protocol.MODEL_INFER, raw, protocol.SealedResponse))


async def test_errors_keep_the_connection(rest):
    """After a defect, 10 of 10 further calls on the same connection are answered (the SDK's server resets it)."""
    socket_names = set()

    async def ports(response):
        socket_names.add(response.extensions["network_stream"].get_extra_info("client_addr"))

    rest.event_hooks["response"].append(ports)
    statuses = []
    for _ in range(10):
        statuses.append((await rest.post(INFER, json=request("bug"))).status_code)
        statuses.append((await rest.post(INFER, json=request())).status_code)

    assert statuses == [500, 200] * 10
    assert len(socket_names) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b'{"id": "1"}', 400),
        (orjson.dumps(request(extra={"a": 1})), 400),
        (orjson.dumps({"inputs": [{"name": "x", "datatype": "FP32", "shape": [3], "data": [1]}]}), 400),
        (orjson.dumps({"inputs": [{"name": "x", "datatype": "NONE", "shape": [1], "data": [1]}]}), 400),
        (orjson.dumps(request("impossible")), 422),
        (orjson.dumps(request("mismatch")), 409),
        (b" " * (1 << 20) + b" ", 413),
    ],
)
async def test_bad_requests_in_one_shape(rest, body, status):
    """{"error": sentence} where the SDK answers 422 with a list or 500 with a class name."""
    answer = await rest.post(INFER, content=body)

    assert (answer.status_code, list(answer.json())) == (status, ["error"])


async def test_no_content_type_is_needed(echo_server):
    """The SDK demands the header of the binary extension then."""
    body = orjson.dumps(request())
    reader, writer = await asyncio.open_connection("127.0.0.1", echo_server.http_port)
    writer.write(b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (INFER.encode(), len(body), body))
    status = await reader.readline()
    writer.close()

    assert b"200" in status


@pytest.mark.parametrize("tail", ["", "/ready"])
async def test_version_paths_are_there(rest, tail):
    """The SDK answers 501."""
    assert (await rest.get(f"/v2/models/echo/versions/7{tail}")).status_code == 200
    assert (await rest.get(f"/v2/models/echo/versions/9{tail}")).status_code == 404


async def test_v1_and_liveness_paths_of_the_sdk_remain(rest):
    """What KServe's own tools ask for is still there below our routes."""
    assert (await rest.get("/")).json() == {"status": "alive"}
    assert (await rest.get("/v1/models/echo")).json() == {"name": "echo", "ready": True}
    refused = await rest.post("/v1/models/echo:predict", json={"instances": [[1]]})
    assert (refused.status_code, "/v2/models/echo/infer" in refused.json()["error"]) == (400, True)


@pytest.mark.parametrize("path", ["/nothing", "/v3", "/docs", "/v2/repository/models/echo/unload"])
async def test_paths_that_nobody_has(rest, path):
    """One shape for them too; a client cannot unload a model, as the SDK lets it."""
    answer = await rest.post(path, json={})

    assert (answer.status_code, list(answer.json())) == (404, ["error"])


async def test_health_answers_beside_slow_work(echo_server):
    """Two steps of pure Python compute for seconds, and liveness still answers within 50 ms."""
    async with httpx.AsyncClient(base_url=echo_server.url, timeout=30) as client:
        slow = [asyncio.create_task(client.post(INFER, json=request("slow", seconds=3))) for _ in range(2)]
        taken = []
        while not any(task.done() for task in slow):
            started = time.perf_counter()
            answer = await client.get("/v2/health/live")
            taken.append(time.perf_counter() - started)
            assert answer.status_code == 200
            await asyncio.sleep(0.05)
        answers = await asyncio.gather(*slow)

    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(taken) > 10
    assert sorted(taken)[len(taken) // 2] < 0.05


async def test_grpc_answers_beside_slow_work(channel, rest):
    """The other protocol shares the loop, so it must be free for it too."""
    slow = asyncio.create_task(infer(channel, message("slow", seconds=1)))
    while 'twinpin_in_flight{step="echo"} 1.0' not in (await rest.get("/metrics")).text:
        assert not slow.done()

    started = time.perf_counter()
    await call(channel, protocol.SERVER_LIVE, b"", protocol.ServerLiveResponse)

    assert time.perf_counter() - started < 0.5
    assert not slow.done()
    await slow


async def test_readiness_is_the_steps_own_and_nothing_is_loaded(own_server):
    """A step that is down is not ready on any path, is not loaded by a request, and is ready again by itself."""
    server = own_server()
    async with httpx.AsyncClient(base_url=server.url) as rest, grpc.aio.insecure_channel(server.target) as channel:

        async def readiness():
            model = protocol.ModelReadyRequest(name="echo").SerializeToString()
            return [
                (await rest.get("/v2/health/ready")).status_code,
                (await rest.get("/v2/models/echo/ready")).status_code,
                (await call(channel, protocol.SERVER_READY, b"", protocol.ServerReadyResponse)).ready,
                (await call(channel, protocol.MODEL_READY, model, protocol.ModelReadyResponse)).ready,
                (await call(channel, health.HEALTH_CHECK, b"", health.HealthCheckResponse)).status,
            ]

        up = await readiness()
        (server.folder / "down").touch()
        down = await readiness()
        await infer(channel, message())
        still = await readiness()
        (server.folder / "down").unlink()
        again = await readiness()

    assert up == again == [200, 200, True, True, health.SERVING]
    assert down == still == [503, 503, False, False, health.NOT_SERVING]
    server.terminate()
    assert server.process.wait(20) == 0
    assert (server.folder / "closed").read_text() == "0"


@pytest.mark.parametrize(
    ("mode", "code", "status"),
    [
        ("bug", grpc.StatusCode.INTERNAL, "500"),
        ("impossible", grpc.StatusCode.INVALID_ARGUMENT, "422"),
        ("mismatch", grpc.StatusCode.FAILED_PRECONDITION, "409"),
        ("down", grpc.StatusCode.UNAVAILABLE, "503"),
    ],
)
async def test_grpc_statuses(channel, mode, code, status):
    """Each error has its own code, and the trailing metadata the rest (the SDK answers UNKNOWN or INVALID_ARGUMENT)."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await infer(channel, message(mode))

    trailing = dict(caught.value.trailing_metadata())
    assert caught.value.code() == code
    assert trailing[protocol.STATUS_KEY] == status
    assert orjson.loads(trailing[protocol.DOCUMENT_KEY]) == {"error": caught.value.details()}
    assert "10.0.0.1" not in caught.value.details()


async def test_grpc_refuses_what_is_no_message(channel):
    """Bytes that do not parse are the client's fault (grpc itself would say INTERNAL)."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(channel, protocol.MODEL_INFER, b"\xff\xff\xff")

    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == "the bytes are no inference.ModelInferRequest"


def unfit(change):
    """A request with one thing wrong."""
    pb = protocol.ModelInferRequest.FromString(protocol.request_proto(message(), "echo").SerializeToString())
    change(pb)
    return pb.SerializeToString()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda pb: pb.raw_input_contents.append(b"x"), grpc.StatusCode.INVALID_ARGUMENT),
        (lambda pb: pb.inputs[0].contents.fp32_contents.append(1), grpc.StatusCode.INVALID_ARGUMENT),
        (lambda pb: pb.inputs[0].shape.append(3), grpc.StatusCode.INVALID_ARGUMENT),
        (lambda pb: setattr(pb.inputs[0], "datatype", "FLOAT"), grpc.StatusCode.INVALID_ARGUMENT),
        (lambda pb: pb.outputs.add(name="y"), grpc.StatusCode.INVALID_ARGUMENT),
        (lambda pb: setattr(pb, "model_name", "none"), grpc.StatusCode.NOT_FOUND),
        (lambda pb: setattr(pb, "model_version", "9"), grpc.StatusCode.NOT_FOUND),
        (lambda pb: pb.raw_input_contents.append(b"x" * (2 << 20)), grpc.StatusCode.RESOURCE_EXHAUSTED),
    ],
)
async def test_grpc_refuses_what_does_not_fit(channel, change, code):
    """Raw contents without a tensor, both kinds of contents, wrong shapes, names, versions and sizes."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(channel, protocol.MODEL_INFER, unfit(change))

    assert caught.value.code() == code


async def test_grpc_answers_arrays_with_nan(channel):
    """The SDK fails on an ndarray in a binary answer."""
    answer = await infer(channel, message("nan"))

    assert np.isnan(answer.tensors["x"]).all()
    assert (answer.id, answer.version, answer.parameters["pair"]) == ("r-1", "7", "p3-m7-abc123")


async def test_nan_over_rest(rest):
    """Null stands for it in both directions."""
    answer = await rest.post(INFER, json=request("nan"))

    assert answer.json()["outputs"][0]["data"] == [None, None]


async def test_grpc_deadline_ends_the_call(channel):
    """The server gives up when the client does, and takes the next call."""
    raw = protocol.request_proto(message("sleep", seconds=0.5), "echo").SerializeToString()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await channel.unary_unary(protocol.MODEL_INFER)(raw, timeout=0.1)

    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert (await infer(channel, message())).id == "r-1"


async def test_grpc_metadata(channel):
    """Server and model describe themselves."""
    server = await call(channel, protocol.SERVER_METADATA, b"", protocol.ServerMetadataResponse)
    name = protocol.ModelMetadataRequest(name="echo").SerializeToString()
    model = await call(channel, protocol.MODEL_METADATA, name, protocol.ModelMetadataResponse)

    assert (server.name, list(server.extensions)) == ("twinpin", ["binary_tensor_data"])
    assert (model.platform, list(model.versions)) == ("test_echo", ["7", "p3-m7-abc123"])
    assert [(spec.name, spec.datatype, list(spec.shape)) for spec in model.inputs] == [("x", "FP32", [-1, 2])]


def test_a_connection_cut_in_the_middle_harms_nobody_else(echo_server):
    """Half a head, half a body, a reset before the answer: the next request is answered."""
    body = orjson.dumps(request("sleep", seconds=0.2))
    whole = b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (INFER.encode(), len(body), body)
    for sent in [whole[:20], whole[:-5], whole, b"\x00\xff\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"]:
        with socket.create_connection(("127.0.0.1", echo_server.http_port)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            client.sendall(sent)
        answer = httpx.post(echo_server.url + INFER, json=request())
        assert answer.status_code == 200


def test_an_endless_header_is_refused(echo_server):
    """Its client is told and cut; the memory is not filled, and others are answered."""
    with socket.create_connection(("127.0.0.1", echo_server.http_port)) as client:
        client.sendall(b"GET /v2 HTTP/1.1\r\nhost: x\r\nx-long: ")
        for _ in range(20):
            try:
                client.sendall(b"a" * (16 << 10))
            except (BrokenPipeError, ConnectionResetError):
                break
        client.settimeout(10)
        try:
            told = client.recv(4096)
        except ConnectionResetError:  # the server closed on bytes still under way
            told = b""

    assert told == b"" or b" 431 " in told
    assert httpx.get(echo_server.url + "/v2", headers={"x-long": "a" * 20_000}).status_code == 200


def test_logs_are_json_and_a_request_makes_no_line(own_server):
    """One line per defect, none per request."""
    server = own_server()
    before = len(server.lines())
    for _ in range(5):
        httpx.post(server.url + INFER, json=request())
    httpx.post(server.url + INFER, json=request("bug"))
    server.terminate()
    server.process.wait(20)

    texts = (server.folder / "log").read_text().splitlines()
    errors = [line for line in server.lines()[before:] if line["level"] == "ERROR"]
    assert all(text.startswith("{") for text in texts)
    assert [line["request_id"] for line in errors] == ["r-1"]
    assert "ZeroDivisionError" in errors[0]["exception"]
    assert len(texts) - before < 8
