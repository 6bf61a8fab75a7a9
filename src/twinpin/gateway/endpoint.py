"""Endpoint: what every plain REST endpoint does around its own work: body, deadline, request id, errors, metrics."""

import asyncio
import logging
import math
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from twinpin.gateway.answers import encode
from twinpin.graph.transport import Headers
from twinpin.step.errors import Broken, DeadlineExceeded, Malformed, TooLarge, TwinpinError
from twinpin.step.rest import Limits
from twinpin.step.telemetry import REQUEST_SECONDS, REQUESTS

log = logging.getLogger(__name__)

REQUEST_ID = "x-request-id"
#: Seconds that the client waits at most; shortens the server's own limit, never lengthens it.
REQUEST_TIMEOUT = "x-request-timeout"
#: Headers of the client that are handed to the graph, which passes on those that it is told to.
FORWARDED = (REQUEST_ID, "traceparent", "tracestate", "authorization")
#: Longest request id that is echoed: one that fits a log line.
LONGEST_ID = 128


_REFUSALS = {
    404: "There is nothing at this path; / and /openapi.json show what there is.",
    405: "Use the method that the allow header names.",
}


class SlowBody(DeadlineExceeded):
    """The request's body did not arrive within the time allowed."""


class Exchange:
    """One request as the endpoints see it."""

    def __init__(self, request: Request, limits: Limits) -> None:
        self.request = request
        self.limits = limits
        self.id = _request_id(request.headers.get(REQUEST_ID, ""))
        #: In seconds of `time.monotonic`.
        self.deadline = time.monotonic() + _timeout(request.headers.get(REQUEST_TIMEOUT), limits.request_timeout)

    @property
    def headers(self) -> Headers:
        """The headers that travel with the request into the graph."""
        given = self.request.headers
        forwarded = [(name, given[name]) for name in FORWARDED[1:] if name in given]
        return [(REQUEST_ID, self.id), *forwarded]

    async def body(self) -> bytes:
        """Read the body up to the limit; raises TooLarge, or DeadlineExceeded for a client that is too slow."""
        limit = self.limits.max_body_bytes
        declared = self.request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > limit:
            raise _too_large(limit)
        parts, size = [], 0
        try:
            async with asyncio.timeout(self.deadline - time.monotonic()):
                async for part in self.request.stream():
                    size += len(part)
                    if size > limit:
                        raise _too_large(limit)
                    parts.append(part)
        except TimeoutError as error:
            raise SlowBody("The body did not arrive in time; send it faster or in smaller requests.") from error
        return b"".join(parts)


Handle: TypeAlias = Callable[[Exchange], Awaitable[Response]]


class Endpoint:
    """An ASGI endpoint: answers errors in the protocol's shape, and never lets one cut the connection."""

    def __init__(self, name: str, limits: Limits, handle: Handle) -> None:
        self._name = name
        self._limits = limits
        self._handle = handle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began = time.perf_counter()
        request = Request(scope, receive)
        try:
            exchange = Exchange(request, self._limits)
        except TwinpinError as error:
            await error_response(error)(scope, receive, send)
            return
        response = await self._answer(exchange)
        if response is None:  # the client has gone
            REQUESTS.labels(self._name, "cancelled").inc()
            return
        response.headers[REQUEST_ID] = exchange.id
        REQUESTS.labels(self._name, str(response.status_code)).inc()
        REQUEST_SECONDS.labels(self._name).observe(time.perf_counter() - began)
        await response(scope, receive, send)

    async def _answer(self, exchange: Exchange) -> Response | None:
        try:
            return await self._handle(exchange)
        except TwinpinError as error:
            if isinstance(error, Broken):
                log.exception("%s: request %s", self._name, exchange.id)
            return error_response(error)
        except ClientDisconnect:
            return None
        except Exception:  # a defect of ours: the log learns why, and uvicorn must not close the connection for it
            log.exception("%s: request %s failed", self._name, exchange.id)
            return error_response(Broken("The server failed to answer; its log names the cause under this request id."))


def json_response(document: dict[str, object], *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer with JSON."""
    return Response(encode(document), status, headers, media_type="application/json")


def error_response(error: TwinpinError) -> Response:
    """Answer with an error's status, its document and, where trying again helps, when."""
    response = json_response(error.document, status=error.status)
    if error.retry_after is not None:
        response.headers["retry-after"] = str(math.ceil(error.retry_after))
    if isinstance(error, SlowBody):
        # The rest of it must not be waited for.
        response.headers["connection"] = "close"
    return response


async def http_error(_request: Request, error: Exception) -> Response:
    """Give the framework's own refusals (unknown path, wrong method) the protocol's shape."""
    if not isinstance(error, HTTPException):
        raise TypeError("made for HTTPException") from error
    sentence = _REFUSALS.get(error.status_code, error.detail)
    return json_response({"error": sentence}, status=error.status_code, headers=dict(error.headers or {}))


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than the {limit} bytes that one request may have: send several requests.")


def _request_id(given: str) -> str:
    """Echo the client's id where it fits a header and a log line, else make one."""
    if given and len(given) <= LONGEST_ID and given.isascii() and given.isprintable():
        return given
    return secrets.token_hex(8)


def _timeout(given: str | None, most: float) -> float:
    if given is None:
        return most
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not seconds > 0:
        raise Malformed(f"{REQUEST_TIMEOUT} must be a number of seconds above 0.")
    return min(seconds, most)
