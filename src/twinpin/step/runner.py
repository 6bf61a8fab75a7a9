"""StepModel: a Step served, which says what it is, keeps the time and stamps its answers."""

import logging
import time

from twinpin.step import tracing
from twinpin.step.block import rows_of
from twinpin.step.errors import PairMismatch, TwinpinError, Unavailable
from twinpin.step.step import (
    MODEL_VERSION,
    PAIR,
    PREPROCESSOR_VERSION,
    Answer,
    Context,
    Message,
    Parameter,
    Step,
    TensorSpec,
)
from twinpin.step.telemetry import PAIR_MISMATCHES, show_pair
from twinpin.step.worker import Worker

log = logging.getLogger(__name__)


class StepModel:
    """Serves one step; implements `Served`.

    *threads* and *max_in_flight* are those of `Worker`; *request_timeout* in seconds.
    """

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
        self._request_timeout = request_timeout
        self._worker = Worker(step, self._name, threads, max_in_flight)
        self._pair: Parameter | None = None
        # A step of a pair names it beside its own version.
        self._own_pair = next(iter(step.versions[1:]), None)

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
        """Run the step on one message; the answer carries the request's parameters, those of the step put over them."""
        context = Context(message.id, message.parameters, self._bounded(deadline))
        trace = tracing.current()
        if trace is not None and trace.pair is None:
            trace.pair = self._own_pair
        work = self._worker.run(message, context)
        try:
            if tracing.recording() is None:
                answer = await work
            else:
                answer = await tracing.recorded(work, self._name, self._told(message))
        except PairMismatch:
            PAIR_MISMATCHES.inc()
            raise
        if answer.parameters.get(PAIR, self._pair) != self._pair:
            self._show_pair(answer)
        versions = self._step.versions
        return Message(
            tensors=answer.tensors,
            parameters={**message.parameters, **answer.parameters},
            id=message.id,
            requested=message.requested,
            version=versions[0] if versions else "",
        )

    async def check(self) -> None:
        """Raise `Unavailable` where the step cannot serve now."""
        try:
            await self._step.check()
        except TwinpinError:
            raise
        except Exception as error:
            log.exception("the check of step %s failed", self._name)
            raise Unavailable(f"the {self._name} step cannot tell whether it is ready") from error

    async def aclose(self) -> None:
        """Wait for the work in hand, abandoned or not, then close the step."""
        await self._worker.aclose()
        await self._step.close()

    def _told(self, message: Message) -> dict[str, str | int]:
        """Say which step works on how many rows, for which pair."""
        told: dict[str, str | int] = {tracing.STEP: self._name, tracing.ROWS: rows_of(message.tensors)}
        return told if self._own_pair is None else told | {tracing.PAIR: self._own_pair}

    def _bounded(self, deadline: float | None) -> float | None:
        """The client's deadline, or the server's where that comes first."""
        if self._request_timeout is None:
            return deadline
        own = time.monotonic() + self._request_timeout
        return own if deadline is None else min(own, deadline)

    def _show_pair(self, answer: Answer) -> None:
        """Show the pair that stamps the answers; a served step has one for life, so once."""
        self._pair = answer.parameters[PAIR]
        halves = (str(answer.parameters.get(half, "")) for half in (PREPROCESSOR_VERSION, MODEL_VERSION))
        show_pair(str(self._pair), *halves)
