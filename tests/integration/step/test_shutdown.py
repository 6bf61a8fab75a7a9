"""SIGTERM: not ready at once, still answering for a while, in-flight requests finished, the step closed last."""

import asyncio
import socket
import time

import grpc
import httpx
import numpy as np
import pytest

from twinpin.step import protocol
from twinpin.step.step import Message

INFER = "/v2/models/echo/infer"


def body(seconds=0.0):
    """A request that takes its time."""
    return {"data": {"x": [1.5]}, "parameters": {"mode": "sleep", "seconds": seconds}}


async def infer(channel, seconds):
    """The same over gRPC."""
    sent = Message({"x": np.ones(1)}, {"mode": "sleep", "seconds": seconds})
    raw = protocol.request_proto(sent, "echo").SerializeToString()
    return await channel.unary_unary(protocol.MODEL_INFER)(raw, timeout=20)


async def in_flight(client, count):
    """Wait until the step has that many requests in hand."""
    while f'twinpin_in_flight{{step="echo"}} {count}.0' not in (await client.get("/metrics")).text:  # noqa: ASYNC110 -- of another process
        await asyncio.sleep(0.02)


async def status(client, path, wanted):
    """Wait for a status."""
    while (await client.get(path)).status_code != wanted:  # noqa: ASYNC110 -- of another process
        await asyncio.sleep(0.02)


async def test_sigterm_drains_both_protocols(own_server):
    """Nothing in flight is lost, and whoever comes before the sockets close is answered."""
    server = own_server(drain_wait=1, threads=4)
    async with (
        httpx.AsyncClient(base_url=server.url, timeout=20) as client,
        grpc.aio.insecure_channel(server.target) as channel,
    ):
        slow = [asyncio.create_task(client.post(INFER, json=body(2.5))), asyncio.create_task(infer(channel, 2.5))]
        await in_flight(client, 2)
        server.terminate()
        await status(client, "/v2/health/ready", 503)
        during = await client.post(INFER, json=body())
        over_grpc = await infer(channel, 0)
        live = await client.get("/v2/health/live")
        rest_answer, grpc_answer = await asyncio.gather(*slow)

    assert during.status_code == live.status_code == 200
    assert over_grpc
    assert rest_answer.status_code == 200
    assert protocol.ModelInferResponse.FromString(grpc_answer).model_name == "echo"
    assert server.process.wait(20) == 0
    assert (server.folder / "closed").exists()


async def test_connections_end_with_their_next_answer_before_the_sockets_close(own_server):
    """A client that reuses connections loses none of its requests, though it sends them without a pause."""
    server = own_server(drain_wait=1)
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        assert "connection" not in (await client.post(INFER, json=body())).headers
        server.terminate()
        await status(client, "/v2/health/ready", 503)
        found = [await client.post(INFER, json=body()) for _ in range(20)]

    assert {each.status_code for each in found} == {200}
    assert {each.headers.get("connection") for each in found} == {"close"}
    assert server.process.wait(20) == 0


async def test_new_connections_are_refused_after_the_wait(own_server):
    """The port is closed while the last request still runs, and the step's store only after that."""
    server = own_server(drain_wait=0.1)
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        slow = asyncio.create_task(client.post(INFER, json=body(2)))
        await in_flight(client, 1)
        server.terminate()
        refused = False
        while not refused and not slow.done():
            await asyncio.sleep(0.05)
            with socket.socket() as probe:
                refused = probe.connect_ex(("127.0.0.1", server.http_port)) != 0
        closed = (server.folder / "closed").exists()
        answer = await slow

    assert refused
    assert not closed
    assert answer.status_code == 200
    assert server.process.wait(20) == 0
    assert (server.folder / "closed").exists()


def test_an_idle_server_stops_at_once(own_server):
    """Idle keep-alive connections do not hold it."""
    server = own_server()
    with httpx.Client(base_url=server.url) as client:
        client.get("/v2/health/live")
        started = time.monotonic()
        server.terminate()
        code = server.process.wait(20)

    assert code == 0
    assert time.monotonic() - started < 5
    assert (server.folder / "closed").exists()


def test_a_taken_port_is_said(own_server):
    """Two servers never share a port in silence."""
    server = own_server()

    with pytest.raises(AssertionError, match=r"Port \d+ is taken: choose another with --http-port"):
        own_server(http_port=server.http_port)
    with pytest.raises(AssertionError, match=r"choose another with --grpc-port"):
        own_server(grpc_port=server.grpc_port)
