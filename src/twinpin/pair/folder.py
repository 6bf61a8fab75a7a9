"""Folder: where a verified pair lies for the steps that serve it: pin.json, preprocessor/ and model/.

pin.json is written last, so where it stands both trees are whole. The folder itself may be a mount point, which nobody
can rename, so its parts are put in place one by one, under a lock that only resolvers take.
"""

import errno
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from twinpin.pair import tree
from twinpin.pair.errors import BadArtifact, BadPin, DigestMismatch, FolderBusy
from twinpin.pair.pin import Half, Pin
from twinpin.pair.pins import read_pin

LOCK = ".lock"

#: A half, as its tree and its field of the Pin are called.
HalfName = Literal["preprocessor", "model"]


@dataclass(frozen=True, slots=True)
class PairFolder:
    """One pair on disk."""

    path: Path

    @property
    def preprocessor(self) -> Path:
        """Artifact tree of the preprocessor."""
        return self.path / "preprocessor"

    @property
    def model(self) -> Path:
        """Artifact tree of the model."""
        return self.path / "model"

    def read(self) -> Pin | None:
        """Read which pair lies here, without a look at its trees; None when no whole one does."""
        return read_pin(self.path / "pin.json")

    def verified(self, *halves: HalfName) -> Pin:
        """Read which pair lies here and hash the trees of *halves*, of both where none is named.

        BadArtifact when no pair lies here, DigestMismatch when a tree is not the one that was pinned.
        """
        pin = self.read()
        if pin is None:
            raise BadArtifact(
                "The pair folder holds no pair: run twinpin resolve first, into the same folder.",
                mend="twinpin resolve",
            )
        for name in halves or ("preprocessor", "model"):
            require_digest(self.path / name, getattr(pin, name))
        return pin

    def holds(self, pin: Pin) -> bool:
        """Whether exactly this pair lies here, whole."""
        try:
            return self.verified() == pin
        except (BadArtifact, BadPin, DigestMismatch):
            return False

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other resolvers out, and sweep what a killed one left; FolderBusy when one is at work.

        A folder that is mounted read-only, as an init container leaves it to a server, has nobody to keep out.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / LOCK).open("w")
        except OSError as error:
            if error.errno != errno.EROFS:
                raise
            yield
            return
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise FolderBusy("Another resolver is filling the pair folder.") from error
            for left in self.path.glob(f"{tree.SCRATCH}*"):
                tree.discard(left)
            yield

    def install(self, pin: Pin, preprocessor: Path, model: Path) -> None:
        """Put two verified trees and their Pin in place; the caller holds the lock."""
        for made in (preprocessor, model):
            tree.sync(made)
        (self.path / "pin.json").unlink(missing_ok=True)
        for made, place in ((preprocessor, self.preprocessor), (model, self.model)):
            tree.discard(place)
            made.rename(place)
        tree.write(self.path / "pin.json", pin.model_dump_json(indent=2) + "\n")


def require_digest(folder: Path, half: Half) -> None:
    """Raise DigestMismatch unless the tree is the one that was pinned."""
    found = tree.digest(folder)
    if found != half.digest:
        raise DigestMismatch(
            f"The artifact of {half.name} {half.version} is not the one that was pinned: its digest is {found}, the "
            f"Pin says {half.digest}. Restore the artifact, or promote a new version and start a new rollout.",
            mend="twinpin promote --run RUN_ID",
        )
