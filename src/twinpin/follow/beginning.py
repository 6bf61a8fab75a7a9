"""Beginning: the pair that a process starts with: what its release serves, else what it served last, else the alias."""

import asyncio
import datetime as dt
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from twinpin.follow.entries import moved
from twinpin.follow.ports import Alias, Makers, Records
from twinpin.follow.record import Seen
from twinpin.generations import Generation
from twinpin.pair.errors import NotYet
from twinpin.pair.events import Events
from twinpin.pair.pin import Pin
from twinpin.rollout.snapshot import Aliased

log = logging.getLogger(__name__)

#: Seconds of the first and of the longest pause, drawn from 0 to its limit, so that pods do not come in step.
FIRST, LONGEST = 0.2, 5.0


@dataclass(frozen=True, slots=True)
class Beginning:
    """One start; *last* is what this process served before it was started anew."""

    record: Records
    registry: Alias
    makers: Makers
    events: Events
    last: Pin | None = None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def first(self, seconds: float) -> Generation:
        """Make the first generation; a temporary fault is raised after *seconds* of trying, any other at once."""
        ends, limit = time.monotonic() + seconds, FIRST
        while True:
            try:
                generation = await self._attempt()
            except NotYet as error:
                await asyncio.to_thread(self.events.trouble, error)
                pause = random.uniform(0.0, limit)  # noqa: S311 -- jitter
                if time.monotonic() + pause > ends:
                    raise
                log.warning("%s Trying again.", error.message)
                await self.sleep(pause)
                limit = min(limit * 2, LONGEST)
            else:
                await asyncio.to_thread(self.events.pinned, generation.pin)
                await self.makers.keep(generation.pin, {generation.pin.id})
                return generation

    async def _attempt(self) -> Generation:
        """Try once."""
        try:
            seen = await self.record.read()
        except NotYet as error:
            if self.last is None:
                raise
            log.warning("%s What served last is served again.", error.message)
            return await self.makers.of(self.last)
        if seen.pin:
            return await self.makers.of(seen.pin)
        return await self._of_alias(seen) or await self._attempt()

    async def _of_alias(self, seen: Seen) -> Generation | None:
        """Serve the alias, as the first of all; None where one with another pair was faster."""
        alias = await self.registry.alias()
        generation = await self.makers.new()
        mover = alias.moved_by if isinstance(alias, Aliased) else None
        if await self.record.write(moved(seen, generation.pin, dt.datetime.now(dt.UTC), mover), seen):
            return generation
        winner = (await self.record.read()).pin
        if winner and winner.id == generation.pin.id:
            return generation
        await generation.aclose()
        return None
