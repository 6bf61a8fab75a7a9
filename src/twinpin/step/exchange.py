"""One HTTP exchange as plain ASGI: the body up to a limit, the deadline, the client that hangs up, the answer."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import orjson
from starlette.types import Message as Event
from starlette.types import Receive, Scope, Send

from twinpin.step import journal, tracing
from twinpin.step.errors import Broken, DeadlineExceeded, Malformed, TooLarge, TwinpinError
from twinpin.step.hangup import ClientGone, UnlessGone
from twinpin.step.telemetry import observe
from twinpin.step.trace import read, read_headers

log = logging.getLogger(__name__)

#: Request header: seconds that the client allows for the answer.
TIMEOUT_HEADER = b"x-request-timeout"
#: Request header: the client's own name for the request.
REQUEST_ID = b"x-request-id"
JSON = b"application/json"
ANY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")


@dataclass(frozen=True, slots=True)
class Reply:
    """What an endpoint answers."""

    body: bytes
    status: int = 200
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


Handler = Callable[["Exchange"], Awaitable[Reply]]


def document(content: Mapping[str, object], status: int = 200) -> Reply:
    """Answer with a JSON object."""
    return Reply(orjson.dumps(content), status)


def refusal(error: TwinpinError) -> Reply:
    """Answer with an error, and with when to come again where that may help."""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    if error.retry_after is not None:
        headers = ((b"retry-after", b"%d" % math.ceil(error.retry_after)),)
    return Reply(orjson.dumps(error.document), error.status, headers=headers)


@dataclass(slots=True)
class Exchange:
    """One request being answered."""

    scope: Scope
    receive: Receive
    #: What metrics, logs and traces call the endpoint, and when the request came, in seconds of `time.monotonic`.
    label: str = ""
    started: float = field(default_factory=time.monotonic)
    _unless_gone: UnlessGone | None = field(default=None, init=False)

    @property
    def gone(self) -> bool:
        """Whether the client hung up while it was being answered."""
        return self._unless_gone is not None and self._unless_gone.gone

    @property
    def path(self) -> Mapping[str, str]:
        """The variable parts of the path."""
        params: Mapping[str, str] = self.scope["path_params"]
        return params

    def header(self, name: bytes) -> str | None:
        """The first header of this (lower-case) name."""
        for key, value in self.scope["headers"]:
            if key == name:
                return str(value, "latin-1")
        return None

    def begin(self, parameters: dict[str, Any], request_id: str = "", rows: int | None = None) -> tracing.Trace:
        """Join the trace that the headers name, else the *parameters*, which lose it; else begin one."""
        sent, headers = tracing.take(parameters), self.scope["headers"]
        trace = tracing.begin(self.label, lambda: read_headers(headers) or read(*sent), self.started)
        trace.request_id, trace.rows = request_id, rows
        return trace

    def end(self, status: int, error: BaseException | None) -> None:
        """Write the request's line in the log, where it gets one, and end its part of the trace."""
        trace = tracing.current()
        if trace is None:
            if status < tracing.REFUSED:
                return
            trace = self.begin({})  # refused before anything of it was read
        if journal.wanted(trace, status):
            trace.request_id = trace.request_id or self.header(REQUEST_ID) or ""
            journal.write(trace, self.label, status, time.monotonic() - self.started, error)
        if trace.span is not None:
            named = {"http.request.method": self.scope["method"], "url.path": self.scope["path"]}
            trace.span.put({**named, "http.response.status_code": status})
        tracing.end(trace, status, error)

    def query(self, name: str) -> str | None:
        """The last value of this name in the query."""
        query = self.scope["query_string"]
        return parse_qs(query.decode("latin-1")).get(name, [None])[-1] if query else None

    def length(self, name: bytes) -> int | None:
        """A header that holds a number of bytes."""
        value = self.header(name)
        if value is None:
            return None
        if not value.isascii() or not value.isdigit() or len(value) > len(str(2**63)):
            raise Malformed(f"header {name.decode()} must be a whole number of bytes, not {value[:40]!r}")
        return int(value)

    def deadline(self, limit: float) -> float:
        """When the answer is due, in seconds of `time.monotonic`: the client's time, at most *limit* from now."""
        value = self.header(TIMEOUT_HEADER)
        if value is None:
            return time.monotonic() + limit
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not seconds > 0:
            raise Malformed(f"header {TIMEOUT_HEADER.decode()} must be seconds above 0, not {value[:40]!r}")
        return time.monotonic() + min(seconds, limit)

    async def body(self, limit: int, deadline: float) -> bytes:
        """Read the body, and stop as soon as it is known to be over *limit* bytes or is not there by *deadline*."""
        if (encoding := self.header(b"content-encoding")) not in (None, "", "identity"):
            raise Malformed(f"content-encoding {str(encoding)[:40]!r} is not read here; send the body plain")
        if (self.length(b"content-length") or 0) > limit:
            raise _too_large(limit)
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                return await self._read(limit)
        except TimeoutError as error:
            raise DeadlineExceeded("the body did not arrive in time; send it faster, or fewer rows") from error

    async def _read(self, limit: int) -> bytes:
        """Put the body together from its chunks."""
        chunks, size, more = [], 0, True
        while more:
            event = await self.receive()
            if event["type"] == "http.disconnect":
                raise ClientGone
            chunks.append(event.get("body", b""))
            size += len(chunks[-1])
            if size > limit:
                raise _too_large(limit)
            more = event.get("more_body", False)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def unless_gone(self) -> UnlessGone:
        """Cancel what runs inside when the client hangs up; call it after `body`. Raises ClientGone."""
        self._unless_gone = UnlessGone(self.receive)
        return self._unless_gone


def _too_large(limit: int) -> TooLarge:
    """Say what the limit is."""
    return TooLarge(f"the body is over the limit of {limit} bytes; send fewer rows at a time")


class Endpoint:
    """An ASGI application for one path; whatever goes wrong is answered in the protocol's shape, and nothing is cut."""

    def __init__(
        self, label: str, handler: Handler, methods: tuple[str, ...] = ("GET", "HEAD"), *, traced: bool = False
    ) -> None:
        """*traced*: its requests have a trace, and a line in the log where they fail; its handler begins both."""
        self._label = label
        self._handler = handler
        self._methods = methods
        self._traced = traced

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = Exchange(scope, receive, self._label)
        status, fault = tracing.CLIENT_GONE, None
        try:
            reply, fault = await self._answer(exchange)
            status = reply.status
            await _send(send, reply)
        except ClientGone as error:
            fault = error
        except asyncio.CancelledError:
            if not exchange.gone:  # the server stops; a client that hung up in this moment is no error
                raise
        finally:
            observe(self._label, status, time.monotonic() - exchange.started, tracing.recorded_id())
            if self._traced:
                exchange.end(status, fault)

    async def _answer(self, exchange: Exchange) -> tuple[Reply, Exception | None]:
        """Ask the handler, and turn what it raises into an answer."""
        if exchange.scope["method"] not in self._methods:
            allowed = ", ".join(self._methods)
            reply = document({"error": f"this path takes {allowed}, not {exchange.scope['method']}"}, 405)
            return Reply(reply.body, 405, headers=((b"allow", allowed.encode()),)), None
        try:
            return await self._handler(exchange), None
        except TwinpinError as error:
            return refusal(error), error
        except ClientGone:
            raise
        except Exception as error:
            if not self._traced:
                log.exception("endpoint %s failed", self._label)
            return refusal(Broken("the server failed on this request; its log has the cause")), error


async def _send(send: Send, reply: Reply) -> None:
    """Send a whole answer."""
    start: Event = {
        "type": "http.response.start",
        "status": reply.status,
        "headers": [
            (b"content-type", reply.content_type),
            (b"content-length", b"%d" % len(reply.body)),
            *reply.headers,
        ],
    }
    await send(start)
    await send({"type": "http.response.body", "body": reply.body})
