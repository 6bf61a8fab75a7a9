"""Served: what the V2 fronts (REST, gRPC, in process) call, be it one step or the whole graph."""

from typing import Protocol

from twinpin.step.step import Message, TensorSpec


class Served(Protocol):
    """One model of the protocol: a step, or the whole graph as the gateway serves it."""

    @property
    def name(self) -> str:
        """The name in `/v2/models/{name}`."""

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions in `/v2/models/{name}/versions/{version}`, the one that answers by default first."""

    @property
    def platform(self) -> str:
        """What does the work, as `project_framework`."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What goes in."""

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What comes out."""

    async def infer(self, message: Message, *, deadline: float | None = None) -> Message:
        """Answer one request; *deadline* in seconds of `time.monotonic`. Raises errors of `twinpin.step.errors`."""

    async def check(self) -> None:
        """Raise `Unavailable` where it cannot serve now."""
