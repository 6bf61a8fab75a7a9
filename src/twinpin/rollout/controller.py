"""Controller: look, decide, do, and again; between two rounds it knows nothing."""

import asyncio
import contextlib
import datetime as dt
import logging
from dataclasses import dataclass, field

from twinpin.pair.errors import PairError
from twinpin.rollout.actions import Step, Wait
from twinpin.rollout.cluster import Cluster, Conflict, Pairs, Unanswered
from twinpin.rollout.decide import decide
from twinpin.rollout.kube_api import ClusterFault
from twinpin.rollout.kube_lease import RENEW, KubeLease
from twinpin.rollout.observe import observe
from twinpin.rollout.perform import perform
from twinpin.rollout.pulse import Pulse
from twinpin.rollout.snapshot import Snapshot
from twinpin.rollout.template import BadTemplate

log = logging.getLogger(__name__)

#: Reasons to wait at which a rollout has come to its end, for now.
ENDS = frozenset({"InSync", "Rejected", "Paused", "Canary"})
#: Reasons to wait that a pod's next sign of life ends: nothing announces it, so it is looked for each second.
SOON = frozenset({"NotReady", "Removing"})
SECOND = 1.0


@dataclass(frozen=True, slots=True)
class Controller:
    """The loop over one release."""

    cluster: Cluster
    pairs: Pairs
    pulse: Pulse = field(default_factory=Pulse)

    async def round(self) -> tuple[Snapshot, Step] | None:
        """Look, decide and do one thing; None where the look or the deed met a fault, which was logged."""
        self.pulse.looking()
        try:
            seen = await observe(self.cluster, self.pairs, _now)
            self.pulse.looked(seen)
            step = decide(seen)
            if isinstance(step, Wait):
                log.debug("%s: %s", step.reason, step.message)
            else:
                log.info("%s", type(step).__name__)
                await perform(step, seen, self.cluster, self.pairs)
                self.pulse.did(step)
        except (Conflict, PairError, ClusterFault, Unanswered, BadTemplate) as error:
            self._failed(error)
        else:
            return seen, step
        return None

    async def serve(self, lease: KubeLease) -> None:
        """Work for ever, while the lease is ours."""
        while True:
            if not await self._held(lease):
                await asyncio.sleep(RENEW)
                continue
            log.info("This controller has the lease.")
            work = asyncio.create_task(self._work())
            try:
                while await self._held(lease):
                    await asyncio.wait({work}, timeout=RENEW)
                    if work.done():
                        work.result()
            finally:
                work.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await work

    async def _work(self) -> None:
        """Go round after round; wait where there is nothing to do, or where something is wrong."""
        while True:
            done = await self.round()
            if done is None:
                await self.pulse.rest(SECOND)
            elif isinstance(done[1], Wait):
                await self.pulse.rest(SECOND if done[1].reason in SOON else done[0].spec.poll_seconds)

    async def _held(self, lease: KubeLease) -> bool:
        """Whether the lease is ours; not when the API server cannot say."""
        try:
            held = await lease.hold()
        except ClusterFault as error:
            log.warning("%s", error)
            self.pulse.leads(None)
            return False
        self.pulse.leads(held)
        return held

    def _failed(self, error: Exception) -> None:
        """Say why a round ended early."""
        self.pulse.failed(error)
        if isinstance(error, Conflict):
            log.info("Somebody was faster (%s): looking again.", error)
        else:
            log.warning("%s", error.message if isinstance(error, PairError) else error)


def _now() -> dt.datetime:
    """The time, where no other clock is given."""
    return dt.datetime.now(dt.UTC)
