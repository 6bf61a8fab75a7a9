"""Hang-up: the work of a request ends when its client closes the connection."""

import asyncio

from starlette.types import Receive

# Most requests are answered before it pays to look whether their client is still there.
_AFTER = 0.05  # seconds


class ClientGone(Exception):
    """The client closed its connection before the answer."""


class UnlessGone:
    """The block whose work ends with its client; it raises ClientGone in the place of the cancellation."""

    __slots__ = ("_receive", "_task", "_timer", "_watch", "gone")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._watch: asyncio.Task[None] | None = None
        #: Whether the client hung up.
        self.gone = False

    async def __aenter__(self) -> None:
        """Look for the client when it begins to pay."""
        task = asyncio.current_task()
        assert task is not None, "a request is answered in a task"  # noqa: S101 -- for the type checker
        self._task = task
        self._timer = asyncio.get_running_loop().call_later(_AFTER, self._begin)

    async def __aexit__(self, kind: type[BaseException] | None, _error: object, _trace: object) -> None:
        """Stop looking."""
        self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()
        if kind is asyncio.CancelledError and self.gone and self._task.uncancel() == 0:
            raise ClientGone from None

    def _begin(self) -> None:
        """Watch from now on."""
        self._watch = asyncio.create_task(self._cancel_when_gone())

    async def _cancel_when_gone(self) -> None:
        """Wait for the client to hang up."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        self._task.cancel()
