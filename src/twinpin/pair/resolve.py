"""Resolve: turn the alias into one pair, pin it for the rollout, and lay its verified files on disk.

The first that comes reads the alias, checks the pair, downloads it and records the Pin; all that come later, and the
first one's restarts, take the Pin and never look at the alias again.
"""

import datetime as dt
import logging
from dataclasses import dataclass
from pathlib import Path

from twinpin.pair import tree
from twinpin.pair.cache import Cache
from twinpin.pair.errors import HalfMoved, NoAlias, NotAPair, NotYet, OtherPin, UnusableFolder
from twinpin.pair.events import Events, open_events
from twinpin.pair.evidence import Evidence, examine
from twinpin.pair.folder import PairFolder, require_digest
from twinpin.pair.patience import patiently
from twinpin.pair.pin import Half, Pin
from twinpin.pair.pins import Pins
from twinpin.pair.registry import MlflowRegistry, Registry
from twinpin.pair.schema import require_fit
from twinpin.pair.settings import Settings
from twinpin.pair.signature import read_signature
from twinpin.pair.stores import open_pins
from twinpin.pair.version import Pair, Version, stamp

log = logging.getLogger(__name__)


def resolve(
    settings: Settings,
    *,
    registry: Registry | None = None,
    pins: Pins | None = None,
    events: Events | None = None,
) -> Pin:
    """Return the Pin of the rollout, with its pair verified in `settings.pair_dir`.

    Refused is raised at once; NotYet (half-moved alias, version not made yet, registry down) after
    `settings.resolve_deadline` seconds of trying. In a pod that knows its own name, `kubectl describe pod` shows how
    it goes.
    """
    resolver = Resolver(
        settings,
        registry or MlflowRegistry(settings.registry_uri, settings.tracking_uri),
        pins or open_pins(settings),
    )
    events = events or open_events()
    pin = patiently(resolver.attempt, settings.resolve_deadline, events.trouble)
    events.pinned(pin)
    return pin


def aliased_pair(registry: Registry, settings: Settings) -> tuple[Pair, Evidence]:
    """Read the alias of both halves and require that they belong together.

    HalfMoved is what every move looks like between its two writes: only the check can tell, and only time mends it.
    """
    alias = settings.alias
    preprocessor = registry.aliased(settings.preprocessor_name, alias)
    model = registry.aliased(settings.model_name, alias)
    if preprocessor is None and model is None:
        raise NoAlias(
            f"Neither {settings.preprocessor_name} nor {settings.model_name} carries the alias {alias!r}.",
            mend="twinpin promote --run RUN_ID",
        )
    if preprocessor is None or model is None:
        there = preprocessor or model
        bare = settings.preprocessor_name if preprocessor is None else settings.model_name
        raise HalfMoved(
            f"The alias {alias!r} is on {there.label if there else ''}, but not on {bare}.",
            mend="twinpin promote --repair",
        )
    pair = Pair(preprocessor, model)
    try:
        return pair, examine(registry, pair)
    except NotAPair as error:
        raise HalfMoved(
            f"The alias {alias!r} is on halves of two pairs ({pair.versions.label}). {error.message}",
            mend="twinpin promote --repair",
        ) from error


@dataclass(frozen=True, slots=True)
class Resolver:
    """One resolution: what it asks, and where it puts what it gets."""

    settings: Settings
    registry: Registry
    pins: Pins

    @property
    def folder(self) -> PairFolder:
        """Where the pair goes."""
        return PairFolder(self.settings.pair_dir)

    @property
    def cache(self) -> Cache | None:
        """Where artifacts are kept for those that come later."""
        folder = self.settings.cache_dir
        return Cache(folder, self.settings.cache_keep) if folder else None

    def attempt(self) -> Pin:
        """Resolve once."""
        try:
            with self.folder.locked():
                pin = self._recorded()
                return self._first() if pin is None else self._later(pin)
        except OSError as error:
            raise UnusableFolder(
                f"The pair cannot be laid in {self.folder.path}: {error.strerror or error}"
                f"{f' ({error.filename})' if error.filename else ''}. "
                "Let --pair-dir and --pins-dir name folders that this user may write, with room for the artifacts."
            ) from error

    def _recorded(self) -> Pin | None:
        """Read the rollout's Pin; a restart on its own folder needs no store of Pins to be there.

        Where the settings name no store, the folder is one: a server takes what its init container laid there.
        """
        try:
            pin = self.pins.read(self.settings.rollout)
        except NotYet:
            pin = self._laid()
            if pin is None:
                raise
        if pin is None and not (self.settings.pins_dir or self.settings.pins_configmap):
            pin = self._laid()
        if pin is not None:
            self._require_ours(pin)
        return pin

    def _laid(self) -> Pin | None:
        """Read the Pin that lies in the folder, where it is that of the rollout."""
        pin = self.folder.read()
        return pin if pin is not None and pin.rollout == self.settings.rollout else None

    def _require_ours(self, pin: Pin) -> None:
        """Refuse a Pin that was made under other settings: the names or the alias were changed within a rollout."""
        pinned = (pin.preprocessor.name, pin.model.name, pin.alias)
        wanted = (self.settings.preprocessor_name, self.settings.model_name, self.settings.alias)
        if pinned != wanted:
            raise OtherPin(
                f"Rollout {pin.rollout!r} is pinned to {pinned[0]} and {pinned[1]} by alias {pinned[2]!r}, but the "
                f"settings say {wanted[0]}, {wanted[1]} and {wanted[2]!r}: start a new rollout.",
                mend="twinpin resolve --rollout NEW",
            )

    def _first(self) -> Pin:
        """Pin the pair behind the alias; when another was first, serve what that one pinned."""
        pair, evidence = aliased_pair(self.registry, self.settings)
        with tree.scratch(self.folder.path) as room:
            preprocessor = self._fetch(pair.preprocessor, room / "preprocessor")
            model = self._fetch(pair.model, room / "model")
            require_fit(read_signature(room / "preprocessor"), read_signature(room / "model"))
            pin = self._pin(preprocessor, model, evidence)
            winner = self.pins.create(pin)
            if (winner.preprocessor, winner.model) == (preprocessor, model):
                self.folder.install(winner, room / "preprocessor", room / "model")
                return winner
        log.info("Rollout %s was pinned to %s meanwhile.", winner.rollout, winner.id)
        self._require_ours(winner)
        return self._later(winner)

    def _later(self, pin: Pin) -> Pin:
        """Lay the pinned pair on disk, from where it is: the folder itself, the cache, the registry."""
        if self.folder.holds(pin):
            return pin
        with tree.scratch(self.folder.path) as room:
            self._fetch_pinned(pin.preprocessor, room / "preprocessor")
            self._fetch_pinned(pin.model, room / "model")
            self.folder.install(pin, room / "preprocessor", room / "model")
        return pin

    def _pin(self, preprocessor: Half, model: Half, evidence: Evidence) -> Pin:
        """Make the record of this rollout."""
        return Pin(
            id=stamp(preprocessor, model),
            rollout=self.settings.rollout,
            alias=self.settings.alias,
            preprocessor=preprocessor,
            model=model,
            evidence=evidence,
            created=dt.datetime.now(dt.UTC),
        )

    def _fetch(self, version: Version, into: Path) -> Half:
        """Download a version that is not pinned yet, and hash it."""
        self.registry.download(version, into)
        half = version.half(tree.digest(into))
        if self.cache:
            self.cache.put(half.digest, into)
        return half

    def _fetch_pinned(self, half: Half, into: Path) -> None:
        """Take a pinned half from the cache, else download it, and verify it."""
        if self.cache and self.cache.take(half.digest, into):
            return
        self.registry.download(Version(half.name, half.version, half.run_id, half.model_id), into)
        require_digest(into, half)
        if self.cache:
            self.cache.put(half.digest, into)
