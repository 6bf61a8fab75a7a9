"""Limits on the head of a request, which uvicorn lacks: an endless one would fill the memory, a slow one stay for ever.

What cannot be read as a request is refused in the shape that all errors have.
"""

import asyncio
from http import HTTPStatus

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from twinpin.step.together import Together

# What most servers and proxies allow for the request line and all headers.
MAX_HEAD = 64 << 10  # bytes


class BoundedHead(HttpToolsProtocol):
    """uvicorn's protocol, which refuses a head over MAX_HEAD bytes or over `head_seconds`, and closes."""

    #: Seconds from a head's first byte to its last.
    head_seconds = 30.0

    _head = 0
    _in_head = True
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a first request no longer than for a next one."""
        super().connection_made(transport)
        self.transport = Together(transport, self.loop)  # type: ignore[assignment] # has what uvicorn uses
        self._expect(self.timeout_keep_alive)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._expect(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and count as long as the head has not ended."""
        super().data_received(data)
        if not self._in_head:
            if self._timer is not None:
                self._expect(None)
        elif not self.transport.is_closing():
            if not self._head:
                self._expect(self.head_seconds)
            self._head += len(data)
            if self._head > MAX_HEAD:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the headers are too large; send fewer")

    def on_message_begin(self) -> None:
        """Begin to count."""
        self._head = 0
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop counting."""
        self._in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 -- uvicorn's signature
        """Refuse what the parser cannot read."""
        self._refuse(HTTPStatus.BAD_REQUEST, "these bytes are no HTTP/1.1 request; check method, address and headers")

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: clients may ask for other protocols, and are answered in this one."""

    def _expect(self, seconds: float | None) -> None:
        """Give the client so much time for what comes next; None: it came."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        """Close a connection that brought no whole head; an answer under way on it is sent first."""
        self._timer = None
        if self.cycle is not None and not self.cycle.response_complete:
            self._expect(self.head_seconds)
        elif self._head:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "the headers did not arrive in time; send them at once")
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus, sentence: str) -> None:
        """Answer without the application, and close."""
        body = orjson.dumps({"error": sentence})
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.transport.write(STATUS_LINE[status] + lines + b"\r\n" + body)
        self.transport.close()
