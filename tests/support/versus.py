"""One request through KServe's router and through our executor, over the same steps."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import httpx
import orjson
from router import real_router
from stub_steps import RUN, Call, StubSteps

from twinpin.graph.body import Body
from twinpin.graph.document import InferenceGraph
from twinpin.graph.executor import Executor
from twinpin.graph.http import Http
from twinpin.graph.transport import Headers

_RUNS = itertools.count()
#: What a client sends beside its own; the run's number tells the stubs whose call it is.
_TRANSPORT_HEADERS = {"accept", "accept-encoding", "connection", "content-length", "host", "user-agent"}


class Outcome(NamedTuple):
    """What the client got, and what the steps were asked."""

    status: int
    body: bytes
    calls: list[Call]

    @property
    def document(self) -> Any:
        """The body as JSON where it is JSON, else as bytes."""
        return parsed(self.body)

    @property
    def asked(self) -> list[tuple[str, Any]]:
        """The calls as step and body, in the order of their arrival."""
        return [(call.step, parsed(call.body)) for call in self.calls]


def parsed(body: bytes) -> Any:
    """Read JSON; other bytes stay as they are."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body


def theirs(client: httpx.Client, stubs: StubSteps, body: bytes, headers: Headers = ()) -> Outcome:
    """Ask the real router."""
    run = f"theirs-{next(_RUNS)}"
    answer = client.post("/", content=body, headers=[*headers, (RUN, run)])
    return Outcome(answer.status_code, answer.content, stubs.calls[run])


def ours(
    document: InferenceGraph, stubs: StubSteps, body: bytes, headers: Headers = (), propagate: Sequence[str] = ()
) -> Outcome:
    """Ask our executor over HTTP."""
    run = f"ours-{next(_RUNS)}"

    async def ask() -> tuple[int, bytes]:
        executor = Executor(document, Http(), propagate=[RUN, *propagate])
        try:
            reply = await executor.run(Body.of_bytes(body), [*headers, (RUN, run)])
            return reply.status, reply.body.bytes()
        finally:
            await executor.aclose()

    status, content = asyncio.run(ask())
    return Outcome(status, content, stubs.calls[run])


def both(
    document: InferenceGraph,
    stubs: StubSteps,
    *bodies: bytes,
    headers: Headers = (),
    propagate: Sequence[str] = (),
) -> list[tuple[Outcome, Outcome]]:
    """Take each body through the real router and ours."""
    with (
        real_router(document, propagate=",".join([RUN, *propagate])) as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        return [
            (theirs(client, stubs, body, headers), ours(document, stubs, body, headers, propagate)) for body in bodies
        ]


def assert_same(real: Outcome, own: Outcome) -> None:
    """The client and every step see the same; the router's own errors differ only in their words."""
    assert own.status == real.status
    if isinstance(real.document, dict) and set(real.document) == {"error", "cause"}:
        assert set(own.document) == {"error"}
    else:
        assert own.document == real.document
    assert own.asked == real.asked


def assert_contained(real: Outcome, own: Outcome) -> None:
    """As above, where steps run at the same time: ours asks no more than the router, which never cancels."""
    assert own.status == real.status
    counted = Counter(map(repr, own.asked))
    assert counted <= Counter(map(repr, real.asked))


def sent(call: Call) -> dict[str, list[str]]:
    """The headers of a call that the transport did not make, by lower-case name."""
    named: dict[str, list[str]] = {}
    for name, value in call.headers:
        if name.lower() not in _TRANSPORT_HEADERS:
            named.setdefault(name.lower(), []).append(value)
    return named
