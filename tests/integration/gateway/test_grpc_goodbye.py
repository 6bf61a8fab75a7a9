"""A gateway that is replaced under calls over gRPC: their connections end of age, and none of them is broken off."""

import asyncio
import collections
import contextlib
import signal

import grpc
import numpy as np
from small_server import small_server

from twinpin.step import protocol
from twinpin.step.step import Message

CLIENTS = 24
COLUMNS = protocol.request_proto(Message({"temp": np.array([[1.0, 2.0, 3.0]])}), "forecast").SerializeToString()


class Service:
    """What a Service is to clients: a connection that is new leads to a server that is ready, and stays there."""

    def __init__(self, port):
        self.port = port
        self._led = []

    def lead(self, reader, writer):
        """Pass one connection on."""
        self._led.append(asyncio.create_task(self._lead(reader, writer)))

    async def _lead(self, reader, writer):
        """Copy both ways."""
        there, back = await asyncio.open_connection("127.0.0.1", self.port)
        await asyncio.gather(_pass(reader, back), _pass(there, writer))

    async def end(self):
        """Wait until all connections have ended."""
        await asyncio.gather(*self._led)


async def _pass(reader, writer):
    """Copy bytes until one side ends."""
    with contextlib.suppress(OSError):
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def ask(target, over, statuses):
    """Ask without a pause on one connection, as clients do that never ask again."""
    # gRPC's own retry of a call that no server has seen stays on, as in every client: one may be under way when its
    # connection says goodbye. A call that a server has begun is not asked again.
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(target, options=options) as channel:
        infer = channel.unary_unary(protocol.MODEL_INFER)
        while not over.is_set():
            try:
                await infer(COLUMNS, timeout=20)
                statuses["OK"] += 1
            except grpc.aio.AioRpcError as error:
                statuses[f"{error.code().name}: {error.details()}"] += 1


async def replaced(old, new):
    """Replace one server by the other, as a Deployment does; returns what clients saw."""
    service, over, statuses = Service(old.grpc_port), asyncio.Event(), collections.Counter()
    async with await asyncio.start_server(service.lead, "127.0.0.1", 0) as listener:
        target = f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        clients = [asyncio.create_task(ask(target, over, statuses)) for _ in range(CLIENTS)]
        while statuses["OK"] < 10 * CLIENTS:  # noqa: ASYNC110 -- of other tasks
            await asyncio.sleep(0.05)
        service.port = new.grpc_port
        old.process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(old.process.wait, 40)
        over.set()
        await asyncio.gather(*clients)
        await service.end()
    return code, statuses


def test_no_call_is_broken_off_when_a_gateway_is_replaced():
    """The old one answers until nobody calls it any more, and then ends."""
    with small_server() as old, small_server() as new:
        code, statuses = asyncio.run(replaced(old, new))

    assert code == 0
    assert set(statuses) == {"OK"}, statuses
