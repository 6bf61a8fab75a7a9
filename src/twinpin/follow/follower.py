"""Follower: one process of a release that follows the alias; between two looks only what it has loaded is remembered.

Each look reads the record and the alias and does one thing, `decide`. One process at a time loads a pair that none has
served yet, beside the one that serves. When its forecast is right, the record says so, and all others load it too.
"""

import asyncio
import datetime as dt
import logging
import random
from collections.abc import Callable
from dataclasses import replace

from twinpin.follow.conditions import described
from twinpin.follow.decide import Deed, Join, Mine, Move, Note, Refuse, Rest, Try, decide
from twinpin.follow.entries import moved, refused
from twinpin.follow.ports import Alias, Makers, Records
from twinpin.follow.record import Seen
from twinpin.follow.trial import OwnTrial
from twinpin.generations import Generation, Generations
from twinpin.pair.errors import BadArtifact, DigestMismatch, NotReady, PairError, SchemaMisfit
from twinpin.pair.pin import Pin
from twinpin.pair.version import Versions
from twinpin.rollout.conditions import UNREACHED
from twinpin.rollout.resource import Status
from twinpin.rollout.snapshot import Aliased, NoPair, versions_of
from twinpin.step.errors import CannotStart, TwinpinError
from twinpin.step.telemetry import PAIR_BEHIND, PAIR_REFUSED, REGISTRY_REACHABLE

log = logging.getLogger(__name__)

#: Faults of a pair, which another try would meet again.
BAD = (NotReady, SchemaMisfit, BadArtifact, DigestMismatch, CannotStart, MemoryError)
#: What they are called on record, where their own name would not do.
REASONS = {CannotStart: "NotLoading", MemoryError: "NotLoading"}
#: Faults of the surroundings, which time or a person mends.
TROUBLE = (PairError, TwinpinError, OSError)
#: Seconds between two looks after many faults in a row.
LONGEST = 60.0
#: Seconds between two writes of conditions that nothing rests on, since several processes may see different faults.
QUIET = 30.0

UNREAD = NoPair("NotRead", "The alias was not looked at.")


def _now() -> dt.datetime:
    """The time, where no other clock is given."""
    return dt.datetime.now(dt.UTC)


class CannotServe(PairError):
    """The pair of the release cannot be loaded by this process alone."""


class Follower:
    """Keeps the generations of one process on the pair of its release."""

    def __init__(
        self,
        generations: Generations,
        record: Records,
        registry: Alias,
        makers: Makers,
        owner: str,
        *,
        clock: Callable[[], dt.datetime] = _now,
    ) -> None:
        self._generations = generations
        self._record = record
        self._registry = registry
        self._makers = makers
        self._owner = owner
        self._now = clock
        self._trial = OwnTrial(record, owner, clock)
        self._spare: Generation | None = None
        self._tried: Versions | None = None
        self._fetched: Versions | None = None
        self._faults = 0
        self._said = ""
        self._described = float("-inf")
        self.interval = 1.0

    async def run(self) -> None:
        """Look for ever; an error that nobody foresaw is logged as such, and the pair that serves goes on."""
        while True:
            again = False
            try:
                again = await self.look()
            except Exception:
                self._faults += 1
                log.exception("the alias could not be followed; the pair that serves is untouched")
            if not again:
                await asyncio.sleep(self._pause())

    async def look(self) -> bool:
        """Look once and do one thing; whether there may be more to do at once."""
        try:
            seen = await self._record.read()
            self.interval = seen.interval
            self._generations.keep = seen.keep
            joined = seen.pin is None or seen.pin.id == self._generations.current.pin.id
            PAIR_BEHIND.set(not joined)
            alias = await self._alias() if joined else UNREAD
            # A state, not a count: whoever refuses a pair that ended processes is so young that nobody read a zero.
            PAIR_REFUSED.set(isinstance(alias, Aliased) and bool(seen.status.rejection(alias.versions.label)))
            again = await self._do(decide(seen, alias, self._mine, self._now()), seen, alias)
        except TROUBLE as error:
            self._faults += 1
            self._say(error)
            return False
        self._faults = 0
        return again

    async def _alias(self) -> Aliased | NoPair:
        """Read what the alias names, and tell whether the registry answered."""
        alias = await self._registry.alias()
        REGISTRY_REACHABLE.set(isinstance(alias, Aliased) or alias.reason not in UNREACHED)
        return alias

    @property
    def _mine(self) -> Mine:
        """What this process is."""
        loaded = frozenset(versions_of(each.pin) for each in self._loaded)
        return Mine(self._owner, self._generations.current.pin, loaded, self._tried)

    @property
    def _loaded(self) -> list[Generation]:
        """Everything that is loaded."""
        return [*self._generations.all, *([self._spare] if self._spare else [])]

    async def _do(self, deed: Deed, seen: Seen, alias: Aliased | NoPair) -> bool:
        """Do what was decided; whether to look again at once."""
        match deed:
            case Join(pin):
                await self._join(pin)
            case Note(status):
                await self._record.write(status, seen)
            case Try(versions, status):
                if await self._write(status, seen, alias):
                    await self._try(versions, seen, alias)
            case Move(versions):
                await self._move(versions, seen, alias)
            case Refuse(versions, reason, message):
                await self._refuse(versions, reason, message, alias)
            case Rest(reason, message, fetch):
                await self._rest(seen, alias, Rest(reason, message, fetch))
                return False
        return True

    async def _join(self, pin: Pin) -> None:
        """Serve what the others serve."""
        found = [each for each in self._loaded if each.pin.id == pin.id]
        try:
            await self._switch(found[0] if found else await self._makers.of(pin))
        except BAD as error:
            raise CannotServe(f"This process cannot load {pin.id}, which its release serves: {error}") from error

    async def _write(self, status: Status, seen: Seen, alias: Aliased | NoPair) -> bool:
        """Write the record with the conditions that go with it; False where it is not as it was seen any more."""
        return await self._record.write(described(replace(seen, status=status), alias, self._now()), seen)

    async def _try(self, versions: Versions, seen: Seen, alias: Aliased | NoPair) -> None:
        """Load the pair behind the alias, and say meanwhile that this process is at work."""
        self._tried = versions
        await self._drop_spare()
        try:
            async with self._trial.at_work(), asyncio.timeout(seen.progress_deadline):
                self._spare = await self._makers.new()
        except TimeoutError:
            message = f"It was not loaded within {seen.progress_deadline:.0f} s."
            await self._refuse(versions, "NeverReady", message, alias)
        except BAD as error:
            await self._refuse(versions, REASONS.get(type(error), type(error).__name__), str(error), alias)
        except (*TROUBLE, asyncio.CancelledError):
            await self._trial.give_back()
            raise

    async def _move(self, versions: Versions, seen: Seen, alias: Aliased | NoPair) -> None:
        """Put a loaded pair on record, then serve it."""
        following = next(each for each in self._loaded if versions_of(each.pin) == versions)
        mover = alias.moved_by if isinstance(alias, Aliased) else None
        if not await self._write(moved(seen, following.pin, self._now(), mover), seen, alias):
            return
        before = seen.pin.id if seen.pin else "none"
        await self._switch(following)
        await self._tell("Normal", "Switched", f"{following.pin.id} serves in place of {before}.")

    async def _switch(self, following: Generation) -> None:
        """Give new requests to another generation."""
        before = self._generations.current.pin.id
        if following is self._spare:
            self._spare = None
        await self._generations.switch(following)
        PAIR_BEHIND.set(False)
        log.info("pair switched", extra={"pair": following.pin.id, "before": before})
        await self._drop_spare()
        await self._makers.keep(following.pin, {each.pin.id for each in self._loaded})

    async def _refuse(self, versions: Versions, reason: str, message: str, alias: Aliased | NoPair) -> None:
        """Put on record that a pair is left alone, unless another process came to serve it or was faster to say so."""
        written = False
        while not written:
            seen = await self._record.read()
            if (seen.pin and versions_of(seen.pin) == versions) or seen.status.rejection(versions.label):
                return
            written = await self._write(refused(seen, versions, reason, message, self._now()), seen, alias)
        log.warning("pair refused", extra={"pair": versions.label, "reason": reason, "cause": message})
        await self._tell("Warning", "Rejected", f"{versions.label} is left alone. {reason}: {message}")

    async def _rest(self, seen: Seen, alias: Aliased | NoPair, rest: Rest) -> None:
        """Tell where it stands, and fetch what another process tries."""
        if isinstance(alias, NoPair):
            self._complain(alias.message)
        else:
            self._said = ""
        if self._spare and isinstance(alias, Aliased) and versions_of(self._spare.pin) != alias.versions:
            await self._drop_spare()
        await self._describe(seen, alias)
        if rest.fetch is not None and rest.fetch != self._fetched:
            await self._makers.fetch()
            self._fetched = rest.fetch

    async def _describe(self, seen: Seen, alias: Aliased | NoPair) -> None:
        """Bring the conditions up to date; what may ail one process alone is told rarely, lest two contradict."""
        now = asyncio.get_running_loop().time()
        status = described(seen, alias, self._now())
        if status != seen.status and (isinstance(alias, Aliased) or now - self._described > QUIET):
            self._described = now
            await self._record.write(status, seen)

    async def _drop_spare(self) -> None:
        """Close a pair that was loaded and is not wanted any more."""
        spare, self._spare = self._spare, None
        if spare is not None:
            await spare.aclose()

    async def aclose(self) -> None:
        """Close what was loaded and did not come to serve."""
        await self._drop_spare()

    async def _tell(self, kind: str, reason: str, message: str) -> None:
        """Leave an event; a cluster that takes none does not hold up a switch."""
        try:
            await self._record.tell(kind, reason, message)
        except PairError as error:
            log.warning("no event could be written: %s", error.message)

    def _pause(self) -> float:
        """Seconds until the next look: a fifth of it by chance, so that pods do not come in step; more after faults."""
        seconds = self.interval * 2.0 ** min(self._faults, 10)
        return max(min(seconds, LONGEST), self.interval) * random.uniform(0.8, 1.0)  # noqa: S311 -- jitter

    def _say(self, error: Exception) -> None:
        """Log a fault, once for each reason."""
        self._complain(str(error), getattr(error, "mend", None))

    def _complain(self, message: str, mend: str | None = None) -> None:
        """Log why the pair that serves goes on, once for each reason."""
        if message != self._said:
            self._said = message
            log.warning("the alias is not followed", extra={"reason": message, "mend": mend})
