"""The head of a request: what is none, what is too long, and what comes too slowly; over real connections."""

import asyncio
import json
import time
from contextlib import asynccontextmanager

import pytest
import uvicorn

from twinpin.step.head import BoundedHead

ASK = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


class Hasty(BoundedHead):
    """Waits less long."""

    head_seconds = 0.3


async def app(scope, _receive, send):
    """Answer; below /slow only after the time that a head may take."""
    await asyncio.sleep(0.6 if scope["path"] == "/slow" else 0)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def serving(keep_alive=5):
    """Serve on a free port; gives a function that connects."""
    config = uvicorn.Config(
        app, http=Hasty, ws="none", lifespan="off", port=0, timeout_keep_alive=keep_alive, log_config=None
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield lambda: asyncio.open_connection("127.0.0.1", port)
    finally:
        await server.shutdown()


async def answer(reader):
    """Read one answer: its status and its body."""
    async with asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        return int(head.split()[1]), await reader.readexactly(int(length.split(b":")[1]))


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"NONSENSE / HTTP/1.1\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 400),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000, 431),
        (b"GET / HTTP/1.1\r\nhost: x\r\n", 408),
        (ASK + b"GET /", 408),
    ],
)
async def test_what_is_no_whole_head_is_refused_in_the_one_shape(sent, status):
    """JSON with a sentence, and the connection ends."""
    async with serving() as connect:
        reader, writer = await connect()
        writer.write(sent)
        if sent.startswith(ASK):
            assert (await answer(reader))[0] == 200
        found, body = await answer(reader)
        rest = await reader.read()
        writer.close()

    assert (found, rest) == (status, b"")
    assert list(json.loads(body)) == ["error"]


async def test_a_head_in_pieces_is_read():
    """A slow client is none that never ends."""
    async with serving() as connect:
        reader, writer = await connect()
        for byte in ASK:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.001)
        found = await answer(reader)
        writer.close()

    assert found == (200, b"ok")


async def test_an_answer_under_way_is_not_cut_by_half_a_request_behind_it():
    """It is sent first, however long it takes; then the half is refused."""
    async with serving() as connect:
        reader, writer = await connect()
        writer.write(ASK.replace(b"/ ", b"/slow ", 1) + b"GET /")
        first, second = await answer(reader), await answer(reader)
        writer.close()

    assert (first, second[0]) == ((200, b"ok"), 408)


async def test_a_connection_without_a_request_ends_as_an_idle_one():
    """Not before: clients open connections ahead of their requests."""
    async with serving(keep_alive=1) as connect:
        reader, writer = await connect()
        began = time.monotonic()
        async with asyncio.timeout(10):
            rest = await reader.read()
        waited = time.monotonic() - began
        writer.close()

    assert rest == b""
    assert waited > 0.9


async def test_an_answered_connection_outlives_the_time_of_a_head():
    """Only what began must end."""
    async with serving() as connect:
        reader, writer = await connect()
        for _ in range(2):
            writer.write(ASK)
            assert await answer(reader) == (200, b"ok")
            await asyncio.sleep(0.5)
        writer.write(ASK)
        last = await answer(reader)
        writer.close()

    assert last == (200, b"ok")
