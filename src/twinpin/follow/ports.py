"""Ports: what a follower asks of the record, of the registry and of whoever makes generations; none of it blocks."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from twinpin.follow.record import Record, Seen
from twinpin.generations import Generation
from twinpin.pair.pin import Pin
from twinpin.rollout.resource import Status
from twinpin.rollout.snapshot import Aliased, NoPair


class Records(Protocol):
    """The record, off the event loop."""

    async def read(self) -> Seen:
        """Read it."""
        ...

    async def write(self, status: Status, seen: Seen) -> bool:
        """Write it; False where it is not as it was seen any more."""
        ...

    async def tell(self, kind: str, reason: str, message: str) -> None:
        """Leave an event."""
        ...


class Makers(Protocol):
    """Whoever makes generations, see `Workshop`."""

    async def new(self) -> Generation:
        """Make one of the pair behind the alias."""
        ...

    async def of(self, pin: Pin) -> Generation:
        """Make one of a pair that is pinned."""
        ...

    async def fetch(self) -> None:
        """Fetch the pair behind the alias and load nothing."""
        ...

    async def keep(self, serving: Pin, loaded: set[str]) -> None:
        """Remember what serves, and forget the files of what is not loaded."""
        ...


class Alias(Protocol):
    """The registry's alias."""

    async def alias(self) -> Aliased | NoPair:
        """Read what it names."""
        ...


@dataclass(frozen=True, slots=True)
class Threaded:
    """A record, asked in a thread."""

    record: Record

    async def read(self) -> Seen:
        """Read it."""
        return await asyncio.to_thread(self.record.read)

    async def write(self, status: Status, seen: Seen) -> bool:
        """Write it; False where it is not as it was seen any more."""
        return await asyncio.to_thread(self.record.write, status, seen)

    async def tell(self, kind: str, reason: str, message: str) -> None:
        """Leave an event."""
        await asyncio.to_thread(self.record.tell, kind, reason, message)
