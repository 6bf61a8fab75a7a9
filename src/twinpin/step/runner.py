"""StepModel: a Step served: bounded threads, bounded requests in flight, a deadline, telemetry."""

from twinpin.step.step import Message, Step, TensorSpec


class StepModel:
    """Serves one step; implements `Served`."""

    def __init__(
        self,
        step: Step,
        *,
        name: str | None = None,
        threads: int = 2,
        max_in_flight: int = 64,
        request_timeout: float | None = None,
    ) -> None:
        self._step = step
        self._name = name or step.name

    @property
    def name(self) -> str:
        """The name in `/v2/models/{name}`."""
        return self._name

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions that the step answers to."""
        return self._step.versions

    @property
    def platform(self) -> str:
        """What does the work."""
        return self._step.platform

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What goes in."""
        return self._step.inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What comes out."""
        return self._step.outputs

    async def infer(self, message: Message, *, deadline: float | None = None) -> Message:
        """Run the step on one message."""
        raise NotImplementedError

    async def check(self) -> None:
        """Raise `Unavailable` where the step cannot serve now."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Wait for the work in hand, then close the step."""
        raise NotImplementedError
