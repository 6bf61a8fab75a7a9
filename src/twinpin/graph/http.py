"""The transport to steps over HTTP/1.1: bytes go on verbatim, connections are kept."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Mapping

import aiohttp
from yarl import URL

from twinpin.graph.body import Body, Form
from twinpin.graph.transport import Headers, Reply, Target
from twinpin.step import tracing
from twinpin.step.errors import Broken, DeadlineExceeded, Unavailable
from twinpin.step.outages import Outages

log = logging.getLogger(__name__)

#: Length of the JSON before raw tensors, of the protocol's binary tensor data extension.
HEADER_LENGTH = "Inference-Header-Content-Length"
#: Seconds that a step of ours may take, so that it stops when nobody waits any more.
TIMEOUT = "X-Request-Timeout"


def service_url(name: str) -> str:
    """Return where a step named only by `serviceName` stands: its Service in the same namespace, as V2."""
    return f"http://{name}/v2/models/{name}/infer"


class _Pool:
    """Connections of one age; once it is retired, it closes when its last request is answered."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session
        self.born = time.monotonic()
        self._requests = 0
        self._retired = False

    async def __aenter__(self) -> aiohttp.ClientSession:
        self._requests += 1
        return self.session

    async def __aexit__(self, *_error: object) -> None:
        self._requests -= 1
        if self._retired and not self._requests:
            await self.session.close()

    async def retire(self) -> None:
        """Take no more requests."""
        self._retired = True
        if not self._requests:
            await self.session.close()


class Http:
    """Steps at their `serviceUrl`, path and query verbatim; a `serviceName` goes through *locate*.

    Redirects are not followed, answers not decompressed. A body's Inference-Header-Content-Length goes with that body
    and no other, so that binary tensors cross a graph, which KServe's router loses. A connection that a step closed is
    not tried again by itself: the client learns 503, since only it knows whether the same call may run twice. Who knows
    that it may, as of a forecast, makes the transport with *again*: what broke off is then sent once more, over a new
    connection, which is how a router that is replaced goes unnoticed. A connection in steady use never ends by itself:
    *lifetime* ends it, so that requests soon reach the pods that came last, and not those that are about to go.
    """

    def __init__(
        self,
        *,
        locate: Callable[[str], str] = service_url,
        keep_alive: float = 60.0,
        connect_timeout: float = 5.0,
        again: bool = False,
        lifetime: float = math.inf,
    ) -> None:
        """*keep_alive*: seconds that an idle connection stays open, below the servers' 120; all times in seconds."""
        self._locate = locate
        self._keep_alive = keep_alive
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout)
        self._urls: dict[Target, URL] = {}
        self._again = again
        self._lifetime = lifetime
        self._kept: _Pool | None = None
        self._fresh: _Pool | None = None
        self._retired: set[_Pool] = set()
        self._outages = Outages(log)

    async def send(self, target: Target, body: Body, headers: Headers, deadline: float | None) -> Reply:
        """POST the body; whatever status comes back is the step's answer."""
        try:
            async with asyncio.timeout(None if deadline is None else deadline - time.monotonic()) as limit:
                reply = await self._sent(target, body, headers, deadline)
        except TimeoutError as error:
            if limit.expired():
                raise DeadlineExceeded(f"{target.label} did not answer in the time allowed") from error
            self._outages.failed(target.label, error)
            raise Unavailable(f"{target.label} took too long to connect to; try again") from error
        except (aiohttp.ClientError, OSError) as error:
            self._outages.failed(target.label, error)
            raise Unavailable(f"{target.label} cannot be reached, or broke off its answer; try again") from error
        self._outages.answered(target.label)
        return reply

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in (self._kept, self._fresh, *self._retired):
            if pool is not None:
                await pool.session.close()

    async def _sent(self, target: Target, body: Body, headers: Headers, deadline: float | None) -> Reply:
        """Send the body, once more over a new connection where that may be."""
        try:
            return await self._post(await self._open(), target, body, headers, deadline)
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
            if not self._again:
                raise
            return await self._post(self._open_anew(), target, body, headers, deadline)

    async def _post(self, pool: _Pool, target: Target, body: Body, headers: Headers, deadline: float | None) -> Reply:
        """Send the body once."""
        sent = _headers(body, headers, deadline)
        async with (
            pool as session,
            session.post(self._url(target), data=body.bytes(), headers=sent, allow_redirects=False) as answer,
        ):
            return _reply(target, answer.status, await answer.read(), answer.headers)

    async def _open(self) -> _Pool:
        """Make the pool at the first call, since it belongs to the event loop that runs then, and when one is old."""
        kept = self._kept
        if kept is not None and time.monotonic() - kept.born <= self._lifetime:
            return kept
        self._kept = made = _Pool(self._session_of(aiohttp.TCPConnector(limit=0, keepalive_timeout=self._keep_alive)))
        if kept is not None:
            self._retired = {each for each in self._retired if not each.session.closed} | {kept}
            await kept.retire()
        return made

    def _open_anew(self) -> _Pool:
        """Make the pool whose every request has a connection of its own: kept ones may all lead to the dead."""
        if self._fresh is None:
            self._fresh = _Pool(self._session_of(aiohttp.TCPConnector(limit=0, force_close=True)))
        return self._fresh

    def _session_of(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        """Configure a session: nothing is added to what is sent, nothing is undone of what comes."""
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
        )

    def _url(self, target: Target) -> URL:
        """Read an address once; it stays as it is written."""
        url = self._urls.get(target)
        if url is None:
            if not target.valid:
                raise Broken(f"the address of {target.label} cannot be called; correct its serviceUrl")
            url = URL(target.url or self._locate(target.service), encoded=True)
            self._urls[target] = url
        return url


def _headers(body: Body, headers: Headers, deadline: float | None) -> list[tuple[str, str]]:
    """Say what the body is, unless a propagated header does, and how long the step may take."""
    own = [*headers, *tracing.outgoing()]
    if not any(name.lower() == "content-type" for name, _ in own):
        own.append(("Content-Type", "application/json" if body.header_length is None else "application/octet-stream"))
    if body.header_length is not None:
        own.append((HEADER_LENGTH, str(body.header_length)))
    if deadline is not None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded("the time for the request was over before its next step began")
        own.append((TIMEOUT, f"{left:.3f}" if left >= 0.001 else "0.001"))  # noqa: PLR2004 -- a millisecond
    return own


def _reply(target: Target, status: int, data: bytes, headers: Mapping[str, str]) -> Reply:
    """Take the answer unread."""
    length = headers.get(HEADER_LENGTH, "")
    form: Form = "request" if target.answers_request else "response"
    body = Body.of_bytes(data, int(length) if length.isascii() and length.isdigit() else None, form)
    return Reply(status, body, _seconds(headers.get("Retry-After", "")))


def _seconds(text: str) -> float | None:
    """Read Retry-After in seconds; a date, or nothing, is None."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
