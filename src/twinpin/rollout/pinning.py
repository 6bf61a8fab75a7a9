"""Pinning: what the alias names, and the Pin of two versions, made by the controller itself.

The rollout is called after the pair, so the same pair always comes back under the same name, and finds what is left of
it from the last time.
"""

import asyncio
import dataclasses
import datetime as dt
import tempfile
from pathlib import Path

from twinpin.pair import tree
from twinpin.pair.errors import HalfMoved, NoAlias, NotAPair, PairError, Refused, UnknownName
from twinpin.pair.events import shortened
from twinpin.pair.evidence import examine
from twinpin.pair.example import read_example
from twinpin.pair.history import History, Move
from twinpin.pair.lease import Intent, LeaseTag
from twinpin.pair.pin import Half, Pin
from twinpin.pair.registry import Registry
from twinpin.pair.resolve import aliased_pair
from twinpin.pair.schema import require_fit
from twinpin.pair.settings import Settings
from twinpin.pair.signature import read_signature
from twinpin.pair.version import Pair, Version, Versions, stamp
from twinpin.rollout.cluster import Pinned
from twinpin.rollout.snapshot import Aliased, NoPair


@dataclasses.dataclass(frozen=True, slots=True)
class RegistryPairs:
    """The registry, asked off the event loop."""

    settings: Settings
    registry: Registry

    async def alias(self) -> Aliased | NoPair:
        """Read what the alias names."""
        return await asyncio.to_thread(self._alias)

    async def pin(self, versions: Versions) -> Pinned:
        """Download, check and hash two versions, and make their Pin."""
        return await asyncio.to_thread(self._pin, versions)

    def _alias(self) -> Aliased | NoPair:
        """Read both halves and the record of moves; what cannot be read of the latter is left out."""
        try:
            pair, _ = aliased_pair(self.registry, self.settings)
            move = self._move(pair.versions)
            return Aliased(pair.versions, move.owner, move.verb) if move else Aliased(pair.versions)
        except (NoAlias, UnknownName) as error:
            return NoPair(type(error).__name__, shortened(error.message, error.mend), gone=True)
        except PairError as error:
            return NoPair(type(error).__name__, shortened(error.message, error.mend))

    def _move(self, versions: Versions) -> Intent | Move | None:
        """Find the move that brought the alias here, where Twinpin made it.

        A move is recorded before its intent is cleared, so in this order one of the two is seen.
        """
        place = self.registry, self.settings.model_name, self.settings.alias
        try:
            intent = LeaseTag(*place).read()
            if intent and intent.after == versions:
                return intent
            moves = History(*place).read()
        except Refused:
            return None
        return moves[0] if moves and moves[0].after == versions else None

    def _pin(self, versions: Versions) -> Pinned:
        """Do the work."""
        names = (self.settings.preprocessor_name, self.settings.model_name)
        found = [self.registry.version(name, str(each)) for name, each in zip(names, versions, strict=True)]
        pair = Pair(*found)
        try:
            evidence = examine(self.registry, pair)
        except NotAPair as error:
            raise HalfMoved(error.message, mend=error.mend) from error
        with tempfile.TemporaryDirectory(prefix="twinpin-") as room:
            folders = Path(room) / "preprocessor", Path(room) / "model"
            halves = [self._half(each, folder) for each, folder in zip(pair, folders, strict=True)]
            require_fit(*(read_signature(folder) for folder in folders))
            example = read_example(*folders)
        name = stamp(*halves)
        pin = Pin(
            id=name,
            rollout=name,
            alias=self.settings.alias,
            preprocessor=halves[0],
            model=halves[1],
            evidence=evidence,
            created=dt.datetime.now(dt.UTC),
        )
        return Pinned(pin, example.text if example else None)

    def _half(self, version: Version, folder: Path) -> Half:
        """Download one half and hash it."""
        self.registry.download(version, folder)
        return version.half(tree.digest(folder))
