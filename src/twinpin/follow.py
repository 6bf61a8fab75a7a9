"""Follow: load the pair that the alias is moved to beside the one that serves, then switch between two requests.

The alias is polled; each pair gets a rollout of its own, `<rollout>-<number>`, with its own Pin and folder. A pair that
cannot be served is refused once, with its reason in the log, and not tried again until the alias moves; the pair before
goes on serving.
"""

import asyncio
import dataclasses
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from twinpin.generations import Generation, Generations
from twinpin.pair import tree
from twinpin.pair.errors import NotYet, OtherPin, PairError
from twinpin.pair.pin import Pin
from twinpin.pair.pins import FilePins
from twinpin.pair.registry import Registry
from twinpin.pair.resolve import aliased_pair, resolve
from twinpin.pair.settings import Settings as PairSettings
from twinpin.settings import setting
from twinpin.step.errors import CannotStart, TwinpinError
from twinpin.step.telemetry import PAIRS_REFUSED

log = logging.getLogger(__name__)

#: What a pair may fail with while it is resolved and loaded; the pair before goes on serving.
FAULTS = (PairError, CannotStart, TwinpinError, OSError)

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Settings:
    """Whether and how `twinpin serve` follows the alias."""

    follow: bool = setting(False, "Serve the pair that the alias is moved to, without a restart.")
    follow_interval: float = setting(10.0, "Seconds between two looks at the alias.", least=0.1)
    follow_keep: int = setting(1, "Pairs before the one that serves that stay loaded, for the way back.", least=0)


@dataclass(frozen=True, slots=True)
class Rollouts:
    """The rollouts of one process, on disk: which one serves, and where the pair of each lies."""

    settings: PairSettings
    registry: Registry

    def resume(self) -> Pin:
        """Resolve the rollout that served last, which needs no registry; where none did, one for the alias."""
        pin = self._again() or self.resolve(self._unused(), self.settings.resolve_deadline)
        self.serve(pin.rollout)
        return pin

    def begin(self) -> Pin:
        """Resolve the alias under a rollout that was never used; the folder of one that fails is deleted."""
        rollout = self._unused()
        try:
            return self.resolve(rollout, 0.0)
        except FAULTS:
            tree.discard(self.folder(rollout))
            raise

    def resolve(self, rollout: str, deadline: float) -> Pin:
        """Resolve one rollout, for *deadline* seconds at most."""
        folder = self.folder(rollout)
        settings = dataclasses.replace(self.settings, rollout=rollout, pair_dir=folder, resolve_deadline=deadline)
        return resolve(settings, registry=self.registry, pins=FilePins(self._pins))

    def _again(self) -> Pin | None:
        """Resolve the rollout that served last; None where there is none, or the names or the alias were changed."""
        try:
            return self.resolve(self._record.read_text().strip(), self.settings.resolve_deadline)
        except (FileNotFoundError, OtherPin):
            return None

    def serve(self, rollout: str) -> None:
        """Remember which one serves, for a start that finds the registry down."""
        tree.write(self._record, f"{rollout}\n")

    def sweep(self, keep: set[str]) -> None:
        """Delete the folders of all rollouts but these; their Pins stay, as a record."""
        for folder in self.settings.pair_dir.glob(f"{self.settings.rollout}-*"):
            if folder.is_dir() and folder.name not in keep:
                tree.discard(folder)

    def folder(self, rollout: str) -> Path:
        """Name the folder of a rollout's pair."""
        return self.settings.pair_dir / rollout

    @property
    def _record(self) -> Path:
        """The file that names the rollout which serves."""
        return self.settings.pair_dir / f"{self.settings.rollout}.serving"

    @property
    def _pins(self) -> Path:
        """Where the Pins lie."""
        return self.settings.pins_dir or self.settings.pair_dir / "pins"

    def _unused(self) -> str:
        """Name a rollout that was never used: a Pin outlives its folder."""
        base = self.settings.rollout
        names = [each.stem for each in self._pins.glob(f"{base}-*.json")]
        numbers = [int(tail) for name in names if (tail := name.removeprefix(f"{base}-")).isdigit()]
        return f"{base}-{max(numbers, default=0) + 1}"


class Follower:
    """Watches the alias and switches to the pair behind it; *load* makes a generation of a Pin and its folder."""

    def __init__(
        self,
        generations: Generations,
        rollouts: Rollouts,
        load: Callable[[Pin, Path], Generation],
        interval: float,
    ) -> None:
        self._generations = generations
        self._rollouts = rollouts
        self._load = load
        self._interval = interval
        self._refused: Key | None = None
        self._said = ""

    async def run(self) -> None:
        """Look at the alias for ever, *interval* seconds apart; an error that nobody foresaw is logged as such."""
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("the alias could not be followed; the pair that serves is untouched")
            await asyncio.sleep(self._interval)

    async def look(self) -> None:
        """Look once, and switch where another pair is behind the alias."""
        wanted = None
        try:
            pair, _ = await asyncio.to_thread(aliased_pair, self._rollouts.registry, self._rollouts.settings)
            wanted = (pair.preprocessor.version, pair.model.version)
            if wanted == self._refused:
                return
            self._refused = None
            if wanted != _key(self._generations.current.pin):
                await self._follow(wanted)
            self._said = ""
        except FAULTS as error:
            self._say(error)
            if not isinstance(error, NotYet):
                self._refused = wanted
                PAIRS_REFUSED.inc()

    async def _follow(self, wanted: Key) -> None:
        """Switch to the pair of these versions, loaded still or anew."""
        before = self._generations.current.pin
        loaded = [each for each in self._generations.all if _key(each.pin) == wanted]
        following = loaded[0] if loaded else await asyncio.to_thread(self._make)
        self._rollouts.serve(following.pin.rollout)
        await self._generations.switch(following)
        log.info("pair switched", extra={"pair": following.pin.id, "before": before.id})
        kept = {each.pin.rollout for each in self._generations.all}
        await asyncio.to_thread(self._rollouts.sweep, kept)

    def _make(self) -> Generation:
        """Resolve the alias under a new rollout and load what it names."""
        pin = self._rollouts.begin()
        return self._load(pin, self._rollouts.folder(pin.rollout))

    def _say(self, error: Exception) -> None:
        """Log why the pair before goes on serving, once for each reason."""
        if str(error) != self._said:
            self._said = str(error)
            log.warning("the alias is not followed", extra={"reason": str(error), "mend": getattr(error, "mend", None)})


def _key(pin: Pin) -> Key:
    """Name a pair by its versions."""
    return pin.preprocessor.version, pin.model.version
