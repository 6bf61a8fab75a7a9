"""Pulse: what the loop tells of itself while it runs, and what wakes it before its time."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from twinpin.rollout.actions import Step
from twinpin.rollout.snapshot import Snapshot

if TYPE_CHECKING:
    from twinpin.rollout.metrics import Metrics

#: Seconds between two looks at the least, however often somebody asks for one.
LEAST = 1.0


class Pulse:
    """Hears of each lease and each round; *stuck* is the number of seconds that one round may take."""

    def __init__(
        self,
        stuck: float = 900.0,
        metrics: "Metrics | None" = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stuck = stuck
        self._metrics = metrics
        self._clock = clock
        self._hinted = asyncio.Event()
        self._leads: bool | None = None
        #: When the lease was last asked for, and when the round under way began.
        self._asked = clock()
        self._begun: float | None = None

    @property
    def ready(self) -> bool:
        """Whether the lease is ours or another's: not while the API server cannot say."""
        return self._leads is not None

    @property
    def late(self) -> float:
        """Seconds for which nothing has moved where something should have; 0 while all goes round."""
        waited = self._clock() - (self._asked if self._begun is None else min(self._asked, self._begun))
        return waited if waited > self._stuck else 0.0

    def hint(self) -> None:
        """Ask for a look now; asking again before it has begun changes nothing."""
        self._hinted.set()

    async def rest(self, seconds: float) -> None:
        """Wait so long, or until a hint, but LEAST at any rate: a flood of hints is no flood of looks."""
        self._begun = None
        await asyncio.sleep(min(LEAST, seconds))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds - LEAST)):
                await self._hinted.wait()

    def leads(self, held: bool | None) -> None:
        """Hear whose the lease is: ours, another's, or nobody can say."""
        self._leads = held
        self._asked = self._clock()
        if not held:
            self._begun = None
        if self._metrics:
            self._metrics.leads(bool(held))

    def looking(self) -> None:
        """Hear that a round begins; what is hinted from here on is seen by the next one."""
        self._hinted.clear()
        self._begun = self._clock()

    def looked(self, seen: Snapshot) -> None:
        """Hear what a look saw."""
        if self._metrics and self._begun is not None:
            self._metrics.looked(seen, self._clock() - self._begun)

    def did(self, step: Step) -> None:
        """Hear of an action that was carried out."""
        if self._metrics:
            self._metrics.did(step)

    def failed(self, error: Exception) -> None:
        """Hear of a fault that ended a round."""
        if self._metrics:
            self._metrics.failed(error)
