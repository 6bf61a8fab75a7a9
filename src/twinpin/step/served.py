"""Served: what the V2 fronts (REST, gRPC, in process) call, be it one step or the whole graph."""

from typing import Protocol

from twinpin.step.step import Described, Message


class Served(Described, Protocol):
    """One model of the protocol: a step, or the whole graph as the gateway serves it."""

    async def infer(self, message: Message, *, deadline: float | None = None) -> Message:
        """Answer one request; *deadline* in seconds of `time.monotonic`. Raises errors of `twinpin.step.errors`."""

    async def check(self) -> None:
        """Raise `Unavailable` where it cannot serve now."""
