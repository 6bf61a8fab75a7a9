"""Record: which pair all processes of a release serve, and which they leave alone; one of them writes, all read.

It is the status of a PairedGraph, in a cluster or in a file. Each write is made against the version that was read, so
of two processes that want to move on, one is first, and the other follows it.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from twinpin.pair.pin import Pin
from twinpin.pair.pins import parse_pin
from twinpin.rollout.resource import Status


@dataclass(frozen=True)
class Seen:
    """The record as it was read, and what a person wants."""

    version: str
    status: Status
    #: Pairs before the one that serves that stay loaded.
    keep: int
    #: Seconds between two looks.
    interval: float
    #: Seconds that a pair has to be loaded.
    progress_deadline: float = 600.0
    paused: bool = False
    #: A person's request for another try, as its mark.
    retry: str = ""

    @cached_property
    def pin(self) -> Pin | None:
        """The Pin of the pair that all serve; None before the first one serves."""
        return parse_pin(self.status.pin, "the Pin of the record") if self.status.pin else None


class Record(Protocol):
    """The place of the record. Every method may raise PairError."""

    def read(self) -> Seen:
        """Read it."""
        ...

    def write(self, status: Status, seen: Seen) -> bool:
        """Write it; False where it is not as it was seen any more."""
        ...

    def tell(self, kind: str, reason: str, message: str) -> None:
        """Leave an event, of the kind Normal or Warning, where people look for it."""
        ...
