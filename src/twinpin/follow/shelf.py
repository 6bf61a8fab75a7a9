"""Shelf: pairs on disk, each in a folder called after it, so that one name never holds two pairs."""

import dataclasses
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from twinpin.pair import tree
from twinpin.pair.errors import BadArtifact, BadPin, DigestMismatch
from twinpin.pair.folder import PairFolder
from twinpin.pair.pin import Pin
from twinpin.pair.pins import read_pin
from twinpin.pair.registry import Registry
from twinpin.pair.resolve import Resolver
from twinpin.pair.settings import Settings

#: Where a pair lies until it is known which one it is.
INCOMING = "incoming"
#: The Pin of the pair that this process served last.
LAST = "last.json"


@dataclass(frozen=True, slots=True)
class Given:
    """Pins of which nothing is recorded: whoever resolves takes the one that was given, or makes its own."""

    pin: Pin | None = None

    def read(self, rollout: str) -> Pin | None:  # noqa: ARG002 -- one rollout, one shelf
        """Return what was given."""
        return self.pin

    def create(self, pin: Pin) -> Pin:
        """Return what was made."""
        return pin


@dataclass(frozen=True, slots=True)
class Shelf:
    """The pairs of one process."""

    settings: Settings
    registry: Registry

    def fetch(self) -> tuple[Pin, Path]:
        """Download the pair behind the alias, check it and make its Pin; raises PairError."""
        room = self.settings.pair_dir / INCOMING
        tree.discard(room)
        pin = self._resolver(room, Given()).attempt()
        folder = self.folder(pin)
        if not self._holds(folder, pin):
            tree.discard(folder)
            room.rename(folder)
        return pin, folder

    def lay(self, pin: Pin) -> Path:
        """Make sure that a pinned pair lies here, verified; from the cache or the registry where it does not."""
        folder = self.folder(pin)
        if not self._holds(folder, pin):
            self._resolver(folder, Given(pin)).attempt()
        return folder

    def remember(self, pin: Pin) -> None:
        """Remember which pair serves, for a start that finds neither the record nor the registry."""
        tree.write(self.settings.pair_dir / LAST, pin.model_dump_json(indent=2) + "\n")

    def last(self) -> Pin | None:
        """Recall it."""
        return read_pin(self.settings.pair_dir / LAST)

    def sweep(self, keep: AbstractSet[str]) -> None:
        """Delete the folders of all pairs but these."""
        for each in self.settings.pair_dir.glob("p*-m*-*"):
            if each.is_dir() and each.name not in keep:
                tree.discard(each)

    def folder(self, pin: Pin) -> Path:
        """Name the folder of a pair."""
        return self.settings.pair_dir / pin.id

    def _resolver(self, folder: Path, pins: Given) -> Resolver:
        """Resolve into a folder."""
        return Resolver(dataclasses.replace(self.settings, pair_dir=folder), self.registry, pins)

    def _holds(self, folder: Path, pin: Pin) -> bool:
        """Whether a folder holds both halves of a pair, whole; its Pin may be the one that this process made itself."""
        try:
            found = PairFolder(folder).verified()
        except (BadArtifact, BadPin, DigestMismatch, FileNotFoundError):
            return False
        return (found.preprocessor, found.model) == (pin.preprocessor, pin.model)
