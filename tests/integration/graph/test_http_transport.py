"""Steps over HTTP: connections kept, limits kept, a client that goes takes its calls along."""

import asyncio
import re
import time

import numpy as np
import pytest
from graphs import document
from stub_steps import RUN

from twinpin.graph.body import Body
from twinpin.graph.executor import Executor
from twinpin.graph.http import Http
from twinpin.graph.transport import Target
from twinpin.step.errors import Broken, DeadlineExceeded, Unavailable
from twinpin.step.step import Message


@pytest.fixture
async def http():
    """A transport that is closed after the test."""
    transport = Http()
    yield transport
    await transport.aclose()


async def until(condition):
    """Poll for what another thread does."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 -- the other thread has no event of this loop
            await asyncio.sleep(0.01)


async def test_any_status_is_an_answer_with_its_retry_after(stubs, http):
    """What a step says comes back as it is, the time to wait included."""
    reply = await http.send(Target(stubs.url("a", {"error": "full"}, status=429, retry=7)), Body.of_json({}), (), None)

    assert (reply.status, reply.body.json(), reply.retry_after) == (429, {"error": "full"}, 7.0)


@pytest.mark.parametrize("retry", ["soon", "-1", "nan", "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_a_retry_after_that_is_no_number_is_left_out(stubs, http, retry):
    """A date or nonsense in Retry-After is no time to wait."""
    reply = await http.send(Target(stubs.url("a", {}, retry=retry)), Body.of_json({}), (), None)

    assert reply.retry_after is None


async def test_binary_tensors_keep_their_header(stubs, http):
    """The length of the JSON before raw tensors goes with its own body, unlike through KServe's router."""
    body = Body.of_bytes(b"{}\x00\x00", 2)

    await http.send(Target(stubs.url("a", {})), body, [(RUN, "binary")], None)

    headers = {name.lower(): value for name, value in stubs.calls["binary"][0].headers}
    assert headers["inference-header-content-length"] == "2"
    assert headers["content-type"] == "application/octet-stream"


async def test_a_step_learns_how_long_it_may_take(stubs, http):
    """The time left goes along in seconds, so that a step stops when nobody waits any more."""
    await http.send(Target(stubs.url("a", {})), Body.of_json({}), [(RUN, "left")], time.monotonic() + 5)

    headers = {name.lower(): value for name, value in stubs.calls["left"][0].headers}
    assert 0 < float(headers["x-request-timeout"]) <= 5


async def test_a_deadline_that_is_over_sends_nothing(stubs, http):
    """No call is made that must come too late."""
    with pytest.raises(DeadlineExceeded):
        await http.send(Target(stubs.url("a", {})), Body.of_json({}), [(RUN, "late")], time.monotonic() - 1)

    assert stubs.calls["late"] == []


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/v2/models/m/infer", "http://none.invalid/"])
async def test_what_cannot_be_reached_is_unavailable(http, address):
    """A closed port and an unknown host are 503, and the text names the step and no address."""
    with pytest.raises(Unavailable) as failed:
        await http.send(Target(address, name="predict"), Body.of_json({}), (), None)

    assert failed.value.message == "step 'predict' cannot be reached, or broke off its answer; try again"


@pytest.mark.parametrize("address", ["http://{x}/", "ftp://a/", "a", "http://a:99999/", "http://"])
async def test_what_is_no_address_is_a_defect(http, address):
    """An address that cannot be called is 500 and is not shown."""
    with pytest.raises(Broken, match="correct its serviceUrl"):
        await http.send(Target(address), Body.of_json({}), (), None)


async def test_a_service_name_is_located(stubs):
    """A step named by its service is called where the deployment says it stands."""
    http = Http(locate=lambda name: stubs.url(name, {"I am": name}))

    reply = await http.send(Target(service="predict"), Body.of_json({}), (), None)
    await http.aclose()

    assert reply.body.json() == {"I am": "predict"}


async def test_tensors_go_as_json(stubs, http):
    """A Message is written as a V2 request, and what comes back is read as a response."""
    message = Message({"x": np.array([1.5], dtype=np.float32)}, id="7")

    reply = await http.send(Target(stubs.url("a", does="echo")), Body.of_message(message), (), None)

    assert reply.body.message().tensors["x"].tolist() == [1.5]
    assert reply.body.message().id == "7"


async def test_a_client_that_goes_cuts_the_call_of_its_step(stubs, http):
    """Cancelling a run ends the running step's request; KServe's router would let it work for nobody."""
    graph = document({"root": ("Sequence", [{"serviceUrl": stubs.url("hangs", {}, delay=30)}])})
    task = asyncio.create_task(Executor(graph, http, propagate=[RUN]).run(Body.of_json({}), [(RUN, "gone")]))
    await until(lambda: stubs.calls["gone"])

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await until(lambda: "hangs" in stubs.cancelled)
    assert stubs.cancelled.count("hangs") == 1


async def test_a_late_step_is_cut_off_too(stubs, http):
    """A step beyond its deadline is 504 at once, and its request ends."""
    graph = document({"root": ("Sequence", [{"name": "slow", "serviceUrl": stubs.url("late", {}, delay=30)}])})
    started = time.monotonic()

    reply = await Executor(graph, http).run(Body.of_json({}), deadline=started + 0.2)

    assert (reply.status, reply.body.json()) == (504, {"error": "step 'slow' did not answer in the time allowed"})
    assert time.monotonic() - started < 5
    await until(lambda: "late" in stubs.cancelled)


async def test_whoever_sends_without_a_graph_is_not_kept_waiting_either(stubs, http):
    """The gateway before KServe's router: the deadline is the transport's to keep."""
    target = Target(stubs.url("silent", {}, delay=30), name="slow")

    with pytest.raises(DeadlineExceeded, match="step 'slow' did not answer in the time allowed"):
        await http.send(target, Body.of_json({}), (), time.monotonic() + 0.2)

    await until(lambda: "silent" in stubs.cancelled)


async def test_connections_are_kept(stubs, http):
    """A hundred calls in a row use one connection, and a hundred at a time all get through."""
    target, body = Target(stubs.url("a", {"ok": 1})), Body.of_json({})
    for _ in range(100):
        await http.send(target, body, (), None)
    kept = sum(len(idle) for idle in http._kept.session.connector._conns.values())

    replies = await asyncio.gather(*(http.send(target, body, (), None) for _ in range(100)))

    assert kept == 1
    assert {reply.status for reply in replies} == {200}


async def dying(answers):
    """A server that ends a connection without a word once it has given so many answers on it, or on any at all."""
    served = 0

    async def serve(reader, writer):
        nonlocal served
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            await reader.readexactly(int(re.search(rb"content-length: (\d+)", head.lower())[1]))
            served += 1
            if served in answers:
                break
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0)


@pytest.mark.parametrize("silent", [{1}, {2}, {3}])
async def test_what_broke_off_is_sent_once_more_where_that_is_safe(silent):
    """On a new connection or on a kept one, the first time or later."""
    http = Http(again=True)
    async with await dying(silent) as server:
        port = server.sockets[0].getsockname()[1]
        replies = [await http.send(Target(f"http://127.0.0.1:{port}/"), Body.of_json({}), (), None) for _ in range(3)]
        await http.aclose()

    assert [reply.status for reply in replies] == [200, 200, 200]


async def test_it_is_not_sent_for_ever():
    """The second time counts."""
    http = Http(again=True)
    async with await dying({1, 2}) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unavailable, match="broke off"):
            await http.send(Target(f"http://127.0.0.1:{port}/"), Body.of_json({}), (), None)
        await http.aclose()


async def test_by_itself_nothing_is_sent_twice():
    """A step of somebody else's may have done its work."""
    http = Http()
    async with await dying({1}) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unavailable, match="broke off"):
            await http.send(Target(f"http://127.0.0.1:{port}/"), Body.of_json({}), (), None)
        await http.aclose()


async def test_connections_end_with_their_lifetime_and_no_request_with_them(stubs):
    """A slow request keeps its old connection, the next one has a new one."""
    http = Http(lifetime=0.05)
    target = Target(stubs.url("a", {}, delay=0.3))
    slow = asyncio.create_task(http.send(target, Body.of_json({}), (), None))
    await asyncio.sleep(0.1)
    first = http._kept
    quick = await http.send(Target(stubs.url("a", {})), Body.of_json({}), (), None)
    open_meanwhile = not first.session.closed
    reply = await slow
    second = http._kept
    await http.aclose()

    assert (quick.status, reply.status) == (200, 200)
    assert second is not first
    assert open_meanwhile
    assert first.session.closed
    assert second.session.closed
