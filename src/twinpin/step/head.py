"""A limit on the head of a request, which uvicorn with httptools lacks: an endless header would fill the memory."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# What most servers and proxies allow for the request line and all headers.
MAX_HEAD = 64 << 10  # bytes


class BoundedHead(HttpToolsProtocol):
    """uvicorn's protocol, which refuses a head over MAX_HEAD bytes and closes."""

    _head = 0
    _in_head = True

    def data_received(self, data: bytes) -> None:
        """Parse, and count as long as the head has not ended."""
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._head += len(data)
            if self._head > MAX_HEAD:
                self.send_400_response("The headers are too large.")

    def on_message_begin(self) -> None:
        """Begin to count."""
        self._head = 0
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop counting."""
        self._in_head = False
        super().on_headers_complete()
