"""Executor: runs an InferenceGraph document with the semantics of KServe's router."""

import secrets
import time
from collections.abc import Callable, Sequence

from twinpin.graph.body import Body
from twinpin.graph.check import check
from twinpin.graph.document import ROOT, InferenceGraph
from twinpin.graph.headers import Propagation
from twinpin.graph.plan import plan
from twinpin.graph.transport import Headers, Reply, Timing, Transport
from twinpin.graph.walk import NoRoute, Walk, sooner
from twinpin.step.errors import Broken, TwinpinError


class Executor:
    """One immutable graph over one transport, for any number of concurrent requests of one event loop.

    Raises InvalidGraph for a document that cannot run. It answers what KServe's router answers, but where a step gives
    no answer at all: 503 where it cannot be reached and 504 where it is late (the router says 500 to both), and no
    error text names an address. `spec.timeout` limits the whole request, in Knative mode as in any other.
    """

    def __init__(
        self,
        document: InferenceGraph,
        transport: Transport,
        *,
        strict: bool = False,
        propagate: Sequence[str] = (),
        pick: Callable[[int], int] = secrets.randbelow,
        observe: Callable[[Timing], None] | None = None,
    ) -> None:
        """*strict*: refuse what KServe misreads; *propagate*: patterns of headers that go on to every step.

        *pick* draws a number below the one it is given, for Splitters; *observe* hears of each step as it ends.
        """
        check(document, strict=strict)
        self.document = document
        self._plan = plan(document)
        self._transport = transport
        self._propagation = Propagation(propagate)
        self._pick = pick
        self._observe = observe
        timeouts = document.spec.router_timeouts
        self._step_limit = timeouts.service_client if timeouts else None

    async def run(self, body: Body, headers: Headers = (), *, deadline: float | None = None) -> Reply:
        """Answer one request; *deadline* in seconds of `time.monotonic`. Raises no TwinpinError: it answers them.

        Cancelling it cancels the steps that run, unlike the router, which finishes them for nobody.
        """
        walk = Walk(
            self._plan,
            self._transport,
            headers=self._propagation.select(headers),
            deadline=sooner(deadline, time.monotonic(), self.document.spec.timeout),
            step_limit=self._step_limit,
            pick=self._pick,
            observe=self._observe,
        )
        try:
            reply = await walk.node(ROOT, body)
        except NoRoute as error:
            # The router says 404 where the Switch is the root itself, and 500 where it is a nested node.
            reply = Reply.of_error(error if error.node == ROOT else Broken(error.message))
        except TwinpinError as error:
            reply = Reply.of_error(error)
        return reply._replace(timings=tuple(walk.timings))

    async def aclose(self) -> None:
        """Close the transport."""
        await self._transport.aclose()
