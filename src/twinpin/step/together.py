"""Together: a connection that sends an answer's head with its body, which uvicorn writes one after the other.

Two writes are two system calls and two packets, and the client wakes up twice.
"""

import asyncio
from typing import Any


class Together:
    """Holds back what is written until the next write of the same turn of the loop; all else is the transport's own."""

    __slots__ = ("_held", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held = b""

    def write(self, data: bytes) -> None:
        """Write with what is held; else hold it, for a turn at most."""
        if self._held:
            held, self._held = self._held, b""
            self._transport.writelines((held, data))
        elif data:
            self._held = data
            self._loop.call_soon(self._release)

    def close(self) -> None:
        """Close when all was sent."""
        self._release()
        self._transport.close()

    def _release(self) -> None:
        """Write what nothing came after, unless its client has gone."""
        held, self._held = self._held, b""
        if held and not self._transport.is_closing():
            self._transport.write(held)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
