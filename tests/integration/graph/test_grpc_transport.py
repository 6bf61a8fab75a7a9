"""Steps over gRPC: raw tensors, statuses, deadlines, every address of a step in turn."""

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager

import numpy as np
import pytest
from graphs import document, url

from twinpin.graph.body import Body
from twinpin.graph.document import builtin
from twinpin.graph.executor import Executor
from twinpin.graph.grpc_transport import Grpc
from twinpin.graph.transport import Target
from twinpin.step.errors import DeadlineExceeded, PairMismatch, Unavailable, UnknownEntities
from twinpin.step.grpc_service import CONNECTION_AGE, grpc_server
from twinpin.step.limits import Limits
from twinpin.step.step import Message


class Pure:
    """A served model that is one coroutine function of a Message."""

    platform = "test_pure"
    versions = ("3",)
    inputs = outputs = ()

    def __init__(self, name, function):
        self.name = name
        self._function = function
        self.cancelled = asyncio.Event()
        self.began = asyncio.Event()

    async def infer(self, message, *, deadline=None):
        """Apply the function, and note where it is cancelled."""
        self.began.set()
        try:
            return await self._function(message)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def check(self):
        """It always serves."""


async def plus(message):
    """Add 1 to x."""
    return Message({"x": message.tensors["x"] + 1}, message.parameters, message.id, version="3")


async def hang(_message):
    """Never come back."""
    await asyncio.Event().wait()


@asynccontextmanager
async def serving(*models, age=CONNECTION_AGE, **limits):
    """Serve models on a free port of the loopback interface; gives the port."""
    server = grpc_server(models, Limits(**limits), age=age)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(0)


@asynccontextmanager
async def transport(port):
    """A transport to one port, whatever the host in the graph is."""
    grpc = Grpc(locate=lambda _: f"127.0.0.1:{port}")
    try:
        yield grpc
    finally:
        await grpc.aclose()


BODY = Body.of_message(Message({"x": np.array([[1.0, 2.0]], dtype=np.float32)}, {"pair": "p1", "n": 3}, "id-1"))


async def test_the_shipped_graph_over_grpc():
    """Tensors, parameters and id go through all steps of the graph that is shipped."""
    models = [Pure(name, plus) for name in ("preprocess", "predict")]
    async with serving(*models) as port, transport(port) as grpc:
        reply = await Executor(builtin(), grpc).run(BODY)

    message = reply.body.message()
    assert reply.status == 200
    assert message.tensors["x"].tolist() == [[3.0, 4.0]]
    assert (message.parameters, message.id, message.version) == ({"pair": "p1", "n": 3}, "id-1", "3")


@pytest.mark.parametrize(
    "error",
    [PairMismatch("another pair"), UnknownEntities("none", {"7": "unknown"}), Unavailable("store", retry_after=4)],
)
async def test_an_error_of_a_step_is_its_answer(error):
    """Status, document and the time to wait are those that REST would give."""

    async def fail(_message):
        raise error

    async with serving(Pure("a", fail)) as port, transport(port) as grpc:
        reply = await grpc.send(Target(url("a")), BODY, (), None)

    assert (reply.status, reply.body.json(), reply.retry_after) == (error.status, error.document, error.retry_after)


async def test_an_unknown_model_is_404():
    """A graph that names a model which the server lacks says so."""
    async with serving(Pure("a", plus)) as port, transport(port) as grpc:
        reply = await grpc.send(Target(url("b")), BODY, (), None)

    assert reply.status == 404


async def test_a_body_without_tensors_is_the_step_s_400():
    """A body that no step could read is answered as a step would, and asks none."""
    async with transport(9) as grpc:
        reply = await grpc.send(Target(url("a")), Body.of_json({"odd": 1}), (), None)

    assert reply.status == 400


async def test_a_request_over_the_server_s_limit_is_413():
    """A message that the server refuses for its size is too large, and not a reason to try again."""
    large = Body.of_message(Message({"x": np.zeros((1, 100_000))}))
    async with serving(Pure("a", plus), max_body_bytes=10_000) as port, transport(port) as grpc:
        reply = await grpc.send(Target(url("a")), large, (), None)

    assert reply.status == 413


async def test_nobody_there_is_unavailable():
    """A port without a server is 503, and no address is shown."""
    async with transport(9) as grpc:
        with pytest.raises(Unavailable) as failed:
            await grpc.send(Target(url("a"), name="a"), BODY, (), time.monotonic() + 20)

    assert failed.value.message == "step 'a' cannot be reached, or broke off its answer; try again"


async def test_a_deadline_reaches_the_step():
    """A step beyond its deadline is 504 here, and is cancelled there."""
    model = Pure("a", hang)
    async with serving(model) as port, transport(port) as grpc:
        with pytest.raises(DeadlineExceeded):
            await grpc.send(Target(url("a")), BODY, (), time.monotonic() + 0.2)
        await asyncio.wait_for(model.cancelled.wait(), 10)

    with pytest.raises(DeadlineExceeded):
        await grpc.send(Target(url("a")), BODY, (), time.monotonic() - 1)


async def test_a_client_that_goes_cancels_the_step():
    """Cancelling a run cancels the call on the step's side."""
    model = Pure("a", hang)
    graph = document({"root": ("Sequence", [{"serviceUrl": url("a")}])})
    async with serving(model) as port, transport(port) as grpc:
        task = asyncio.create_task(Executor(graph, grpc).run(BODY))
        await asyncio.wait_for(model.began.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        await asyncio.wait_for(model.cancelled.wait(), 10)
    assert model.cancelled.is_set()


async def test_every_address_gets_its_share():
    """Behind one name with three addresses, calls go to all in turn; a connection pins no step to one pod."""
    seen = []

    def counting(place):
        async def run(message):
            seen.append(place)
            return message

        return run

    async with AsyncExitStack() as stack:
        ports = [await stack.enter_async_context(serving(Pure("a", counting(place)))) for place in range(3)]
        several = "ipv4:" + ",".join(f"127.0.0.1:{port}" for port in ports)
        grpc = Grpc(locate=lambda _: several)
        stack.push_async_callback(grpc.aclose)
        async with asyncio.timeout(20):
            while len(set(seen)) < 3:  # until all three connections stand
                await grpc.send(Target(url("a")), BODY, (), None)
        seen.clear()
        for _ in range(30):
            await grpc.send(Target(url("a")), BODY, (), None)

    assert [seen.count(place) for place in range(3)] == [10, 10, 10]


async def test_a_server_that_comes_back_is_found_again():
    """After a step was down, calls succeed again without a new transport."""
    async with serving(Pure("a", plus)) as port, transport(port) as grpc:
        assert (await grpc.send(Target(url("a")), BODY, (), None)).status == 200
        model = Pure("a", plus)
    async with transport(port) as grpc:
        with pytest.raises(Unavailable):
            await grpc.send(Target(url("a")), BODY, (), None)
        server = grpc_server([model], Limits())
        server.add_insecure_port(f"127.0.0.1:{port}")
        await server.start()
        try:
            async with asyncio.timeout(20):
                while True:
                    try:
                        reply = await grpc.send(Target(url("a")), BODY, (), None)
                        break
                    except Unavailable:
                        await asyncio.sleep(0.05)
        finally:
            await server.stop(0)

    assert reply.status == 200


async def test_headers_that_grpc_cannot_carry_break_no_call():
    """Names and values that are no metadata stay behind; the call goes through with the others."""
    headers = [
        ("X-Id", "1"),
        ("Grpc-Timeout", "1"),
        ("Content-Type", "a"),
        ("X-Bin", "é"),
        ("a b", "c"),
        ("y-bin", "d"),
    ]
    async with serving(Pure("a", plus)) as port, transport(port) as grpc:
        reply = await grpc.send(Target(url("a")), BODY, headers, None)

    assert reply.status == 200


@pytest.mark.parametrize("name", ["entity", "\u0418\u043c\u044f"])
async def test_an_error_too_long_for_metadata_keeps_its_status(name):
    """A thousand unknown entities: gRPC would lose the whole status, so their list is left out."""
    statuses = {f"{name}-{number:015}": "unknown" for number in range(1000)}
    sentence = f"No features for {', '.join(statuses)}. Fill the store."

    async def refuse(_message):
        """Refuse them all."""
        raise UnknownEntities(sentence, statuses)

    async with serving(Pure("plus", refuse)) as port, transport(port) as grpc:
        reply = await grpc.send(Target(url("plus")), BODY, (), None)

    assert reply.status == 422
    assert list(reply.body.json()) == ["error"]
    assert reply.body.json()["error"].startswith("No features for")


async def test_the_log_says_once_why_a_step_cannot_be_reached(caplog):
    """The client reads no address; the log has it, and says when the step is back."""
    async with serving(Pure("plus", plus)) as port, transport(port) as grpc:
        await grpc.send(Target(url("plus")), BODY, (), None)
    async with transport(port) as grpc:
        for _ in range(3):
            with pytest.raises(Unavailable):
                await grpc.send(Target(url("plus")), BODY, (), None)
    lines = [record for record in caplog.records if record.name == "twinpin.graph.grpc_transport"]

    assert [line.getMessage() for line in lines] == ["a step of the graph cannot be reached"]
    assert str(port) in lines[0].cause


async def test_connections_that_end_of_age_take_no_request_with_them():
    """Four clients ask without a pause while their connections end about every fifth of a second."""

    async def slowly(message):
        await asyncio.sleep(0.002)
        return message

    async def asks(grpc, until):
        statuses = []
        while time.monotonic() < until:
            statuses.append((await grpc.send(Target(url("a")), BODY, (), None)).status)
        return statuses

    async with serving(Pure("a", slowly), age=200) as port, transport(port) as grpc:
        until = time.monotonic() + 4
        answered = [status for each in await asyncio.gather(*(asks(grpc, until) for _ in range(4))) for status in each]

    assert set(answered) == {200}
    assert len(answered) > 200


@pytest.mark.parametrize(("again", "statuses"), [(True, [200, 200]), (False, [200, 503])])
async def test_what_a_pod_breaks_off_is_asked_of_another_where_that_is_safe(again, statuses):
    """Two pods take turns; one ends in the middle of its call."""
    begun = asyncio.Event()

    async def breaks_off(_message):
        begun.set()
        await asyncio.Event().wait()

    async def ask():
        try:
            return (await grpc.send(Target(url("a")), BODY, (), time.monotonic() + 20)).status
        except Unavailable as error:
            return error.status

    going = grpc_server([Pure("a", breaks_off)], Limits())
    port = going.add_insecure_port("127.0.0.1:0")
    await going.start()
    async with serving(Pure("a", plus)) as other:
        grpc = Grpc(locate=lambda _: f"ipv4:127.0.0.1:{port},127.0.0.1:{other}", again=again)
        asked = [asyncio.create_task(ask())]
        async with asyncio.timeout(20):
            while not begun.is_set():  # until both are connected, one gets all
                await asyncio.wait(asked, timeout=0.05)
                asked.append(asyncio.create_task(ask()))
        await going.stop(0)
        answered = await asyncio.gather(*asked)
        await grpc.aclose()

    assert sorted(set(answered)) == sorted(set(statuses))
