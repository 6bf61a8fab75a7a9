"""Health: whether the graph can serve now, asked of its steps rarely and answered at once."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from twinpin.gateway.stages import Stages
from twinpin.step.errors import TwinpinError, Unavailable
from twinpin.step.lifecycle import Lifecycle
from twinpin.step.outages import reason
from twinpin.step.served import Served

log = logging.getLogger(__name__)

#: Seconds for which the steps' answers are believed.
FRESH = 1.0
#: Seconds that one step has to say that it can serve.
PROBE_TIMEOUT = 2.0
#: So many probes in a row left unanswered are an outage; fewer are load. All gateways ask the same steps, so they would
#: leave their Service together, while requests are still being answered.
SILENCES = 3
#: Seconds that a caller waits for a probe under way before it is told what was known before.
PATIENCE = 0.25


@dataclass(frozen=True, slots=True)
class State:
    """What the last probe found."""

    status: Literal["ok", "degraded", "down"]
    model_loaded: bool
    feast_available: bool

    @property
    def serving(self) -> bool:
        """Whether any forecast can be made."""
        return self.status != "down"


class Health:
    """One probe of all steps at a time, believed for a second, so that health checks cost the steps nothing."""

    def __init__(self, stages: Stages, lifecycle: Lifecycle) -> None:
        self._stages = stages
        self._lifecycle = lifecycle
        self._known: dict[str, bool] = {}
        self._silences: Counter[str] = Counter()
        self._asked = float("-inf")
        self._probe: asyncio.Task[None] | None = None

    async def state(self) -> State:
        """Return the newest state; waits a quarter of a second at most for a slow step."""
        if self._probe is None and time.monotonic() - self._asked > FRESH:
            self._probe = asyncio.create_task(self._ask(), name="health probe")
        if self._probe is not None:
            await asyncio.wait({self._probe}, timeout=PATIENCE)
        return self._state()

    async def settle(self) -> None:
        """Ask all steps and wait for their answers: stores then open their connections on the loop that serves."""
        await self._ask()

    async def check(self) -> None:
        """Raise Unavailable where no forecast can be made, or where the server is stopping."""
        if self._lifecycle.draining:
            raise Unavailable("This server is stopping; send the request to another one.")
        if not (await self.state()).serving:
            raise Unavailable("The model is not ready yet; try again in a second.")

    async def aclose(self) -> None:
        """Stop a probe under way."""
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.wait({self._probe})

    def _state(self) -> State:
        """Judge by what is known."""
        model = all(self._known.get(each.name, False) for each in (self._stages.preprocess, self._stages.predict))
        feast = self._stages.features is not None and self._known.get(self._stages.features.name, False)
        if not model or self._lifecycle.draining:
            return State("down", model, feast)
        return State("ok" if feast or self._stages.features is None else "degraded", model, feast)

    async def _ask(self) -> None:
        """Ask all steps at once."""
        stages = [self._stages.preprocess, self._stages.predict]
        stages += [self._stages.features] if self._stages.features is not None else []
        try:
            faults = await asyncio.gather(*map(_fault, stages))
            self._note({stage.name: fault for stage, fault in zip(stages, faults, strict=True)})
        finally:
            self._asked = time.monotonic()
            self._probe = None

    def _note(self, found: Mapping[str, BaseException | None]) -> None:
        """Remember what was found, and log what changed and why."""
        for name, fault in found.items():
            self._silences[name] = self._silences[name] + 1 if isinstance(fault, TimeoutError) else 0
            if self._known.get(name) and 0 < self._silences[name] < SILENCES:
                continue
            if self._known.get(name, True) != (fault is None):
                if fault is None:
                    log.warning("step %s can serve again", name)
                else:
                    log.warning("step %s cannot serve", name, extra={"cause": reason(fault)})
            self._known[name] = fault is None


async def _fault(stage: Served) -> BaseException | None:
    """Ask one step; what keeps it from serving, or None."""
    try:
        async with asyncio.timeout(PROBE_TIMEOUT):
            await stage.check()
    except (TwinpinError, TimeoutError) as error:
        return error
    return None
