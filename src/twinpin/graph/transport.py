"""Transport: the seam between the executor and the steps, be they in this process, over HTTP or over gRPC."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol, TypeAlias
from urllib.parse import parse_qs, urlsplit

from twinpin.graph.body import Body
from twinpin.step import tracing
from twinpin.step.errors import TwinpinError

#: Name and value as they came, several of one name allowed.
Headers: TypeAlias = Sequence[tuple[str, str]]

#: A name or address; what urllib and yarl let pass beyond it, Go's router does not call either.
_HOST = re.compile(r"[A-Za-z0-9._~-]+|[0-9A-Fa-f:.]+(%[A-Za-z0-9]+)?")


class Timing(NamedTuple):
    """How long one step of one request took."""

    node: str
    step: str
    seconds: float
    #: What the step answered; 0 where it gave no answer (it could not be reached, or was cancelled).
    status: int


class Reply(NamedTuple):
    """What a step, a node or the whole graph answered."""

    status: int
    body: Body
    #: Seconds after which the same request may succeed; None: not said.
    retry_after: float | None = None
    #: The steps that ran, in the order in which they ended; empty in a reply of a transport.
    timings: tuple[Timing, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status <= 299  # noqa: PLR2004 -- HTTP's own bounds

    @classmethod
    def of_error(cls, error: TwinpinError) -> "Reply":
        """Answer with an error's status and document; the cause, which it does not name, is left to the log."""
        tracing.blame(error)
        return cls(error.status, Body.of_json(error.document), error.retry_after)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a step stands: `serviceUrl` verbatim, or `serviceName`."""

    url: str = ""
    service: str = ""
    #: The step's name in the graph, for errors; an address is never shown.
    name: str = ""

    @property
    def label(self) -> str:
        """What errors call the step."""
        return f"step {self.name!r}" if self.name else "a step of the graph"

    @property
    def model(self) -> str:
        """The model's name: from `/v2/models/<name>/…` in the URL, else the service's name, else the URL's host."""
        return _read(self.url).model if self.url else self.service

    @property
    def valid(self) -> bool:
        """Whether the address, where one is written, can be called at all."""
        if not self.url:
            return bool(self.service)
        try:
            parts = urlsplit(self.url)
            _port = parts.port  # raises for one that is no number
        except ValueError:
            return False
        return parts.scheme in {"http", "https"} and bool(_HOST.fullmatch(parts.hostname or ""))

    @property
    def version(self) -> str:
        """The model's version in `/v2/models/<name>/versions/<version>/infer`; empty: whichever is served."""
        return _read(self.url).version

    @property
    def answers_request(self) -> bool:
        """Whether the step is asked to answer with the next step's request (`?answer=request`, `?answer=raw`)."""
        return _read(self.url).answer in ("request", "raw")


class _Address(NamedTuple):
    """What the address of a step says of it."""

    model: str
    version: str
    answer: str


@lru_cache(1024)
def _read(url: str) -> _Address:
    """Read an address, once: every request asks for it."""
    parts = urlsplit(url)
    segments = parts.path.split("/")
    after = {word: segments[segments.index(word) + 1] for word in ("models", "versions") if word in segments[:-1]}
    (answer,) = parse_qs(parts.query).get("answer", [""])[-1:]
    return _Address(after.get("models", (parts.hostname or "").split(".")[0]), after.get("versions", ""), answer)


class Transport(Protocol):
    """Carries one body to one step.

    A Reply is what the step said, whatever its status. Where no answer was had, `send` raises `Unavailable`,
    `DeadlineExceeded` or another `TwinpinError`, and the whole graph ends with it, as KServe's router ends.
    Cancelling `send` cancels the call.
    """

    async def send(self, target: Target, body: Body, headers: Headers, deadline: float | None) -> Reply:
        """Ask one step, and give up at the *deadline*, in seconds of `time.monotonic`."""

    async def aclose(self) -> None:
        """Let go of connections; called once, after the last request."""
