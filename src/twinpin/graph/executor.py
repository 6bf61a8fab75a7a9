"""Executor: runs an InferenceGraph document with the semantics of KServe's router."""

import secrets
from collections.abc import Callable, Sequence

from twinpin.graph.body import Body
from twinpin.graph.document import InferenceGraph
from twinpin.graph.transport import Headers, Reply, Timing, Transport


class Executor:
    """One immutable graph over one transport; safe for any number of concurrent requests of one event loop."""

    def __init__(
        self,
        document: InferenceGraph,
        transport: Transport,
        *,
        propagate: Sequence[str] = (),
        pick: Callable[[int], int] = secrets.randbelow,
        observe: Callable[[Timing], None] | None = None,
    ) -> None:
        self.document = document
        self._transport = transport

    async def run(self, body: Body, headers: Headers = (), *, deadline: float | None = None) -> Reply:
        """Answer one request; *deadline* in seconds of `time.monotonic`. Never raises a TwinpinError."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Close the transport."""
        await self._transport.aclose()
