"""RedisLine: one connection to Redis on which any number of requests are under way at once.

Commands go out in the order in which they came and Redis answers in that order, so nobody waits for another's answer
before asking, and what several requests ask in one turn of the event loop travels in one packet.
"""

import asyncio
from collections import deque
from typing import Any

import hiredis

from twinpin.features import connections


class _Question:
    """Commands that are under way, with the replies that have come."""

    __slots__ = ("answer", "asked", "number", "replies")

    def __init__(self, number: int, loop: asyncio.AbstractEventLoop) -> None:
        self.number = number
        self.replies: list[Any] = []
        self.answer: asyncio.Future[list[Any]] = loop.create_future()
        self.asked = loop.time()


class RedisLine(asyncio.Protocol):
    """Takes over the connection that redis-py made, so that the repository's TLS, password and limits hold."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(**connections.redis_errors(connection))
        self._waiting: deque[_Question] = deque()
        self._transport: asyncio.Transport = connections.redis_transport(connection)
        self._transport.set_protocol(self)
        self.lost = False

    async def ask(self, commands: bytes, number: int) -> list[Any]:
        """Send *number* commands and return their replies; raises what redis-py raises for a lost connection."""
        if self.lost:
            raise connections.redis_lost()
        question = _Question(number, self._loop)
        self._waiting.append(question)
        self._transport.write(commands)
        return await question.answer

    def hangs(self, seconds: float) -> bool:
        """Whether the oldest question has waited so long."""
        return bool(self._waiting) and self._loop.time() - self._waiting[0].asked >= seconds

    async def close(self) -> None:
        """End the connection, and every question on it."""
        self._end()
        await self._connection.disconnect(nowait=True)

    def data_received(self, data: bytes) -> None:
        """Hand each reply to the question that has waited longest."""
        self._reader.feed(data)
        try:
            while (reply := self._reader.gets()) is not False:
                if not isinstance(reply, hiredis.PushNotification):
                    self._take(reply)
        except hiredis.ProtocolError:
            self._transport.abort()

    def connection_lost(self, _error: Exception | None) -> None:
        """End every question: Redis has gone, or the line was closed."""
        self._end()

    def _take(self, reply: Any) -> None:
        """Keep one reply; the last one of a question answers it, be somebody still there or not."""
        question = self._waiting[0]
        question.replies.append(reply)
        if len(question.replies) < question.number:
            return
        self._waiting.popleft()
        if question.answer.done():
            return
        failed = next((each for each in question.replies if isinstance(each, Exception)), None)
        if failed is None:
            question.answer.set_result(question.replies)
        else:
            question.answer.set_exception(failed)

    def _end(self) -> None:
        """Fail what is still waiting."""
        self.lost = True
        while self._waiting:
            answer = self._waiting.popleft().answer
            if not answer.done():
                answer.set_exception(connections.redis_lost())
