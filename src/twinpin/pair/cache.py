"""Cache: artifact trees by digest, on a disk that many resolvers may share, no lock needed.

A name is a digest, so an entry is right or it is thrown away: what is taken is verified after it was copied out.
A cache that cannot be read or written is reported and done without: the registry is there for that.
"""

import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

from twinpin.pair import tree
from twinpin.pair.errors import BadArtifact

log = logging.getLogger(__name__)

#: Seconds after which scratch of a resolver that was killed is swept.
STALE = 86_400


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder of trees named by their digest; *keep* is how many of them, the latest used first."""

    folder: Path
    keep: int = 16

    def take(self, digest: str, into: Path) -> bool:
        """Copy the tree of this *digest* to *into*; False, and nothing there, when the cache has no whole one."""
        entry = self._entry(digest)
        if not entry.is_dir():
            return False
        with tree.scratch(into.parent) as room:
            copied = room / "tree"
            try:
                tree.copy(entry, copied)
                found = tree.digest(copied)
            except (OSError, BadArtifact) as error:
                log.warning("Cannot read the cached artifact %s: %s", digest, error)
                found = None
            if found != digest:
                log.warning("The cached artifact %s is damaged: it will be downloaded again.", digest)
                self._drop(entry)
                return False
            self._touch(entry)
            return tree.move(copied, into)

    def put(self, digest: str, source: Path) -> None:
        """Keep a copy of *source*, whose digest was just computed."""
        if self._entry(digest).is_dir():
            return
        try:
            with tree.scratch(self.folder) as room:
                copied = room / "tree"
                tree.copy(source, copied)
                tree.sync(copied)
                tree.move(copied, self._entry(digest))
            self._prune()
        except OSError as error:
            log.warning("Cannot keep the artifact %s in the cache: %s", digest, error)

    def _entry(self, digest: str) -> Path:
        """Name the entry; a colon is not allowed on every file system."""
        return self.folder / digest.replace(":", "-")

    def _touch(self, entry: Path) -> None:
        """Remember that the entry was used; a cache mounted read-only need not."""
        try:
            os.utime(entry)
        except OSError as error:
            log.debug("Cannot mark %s as used: %s", entry.name, error)

    def _drop(self, entry: Path) -> None:
        """Throw an entry away."""
        try:
            tree.discard(entry)
        except OSError as error:
            log.warning("Cannot remove %s from the cache: %s", entry.name, error)

    def _prune(self) -> None:
        """Throw away the entries that were not used for longest, and what killed resolvers left."""
        now = time.time()
        entries = sorted(((_used(path), path) for path in self.folder.glob("sha256-*")), reverse=True)
        left = [path for path in self.folder.glob(f"{tree.SCRATCH}*") if now - _used(path) > STALE]
        for path in [*(path for _, path in entries[self.keep :]), *left]:
            self._drop(path)


def _used(path: Path) -> float:
    """Tell when an entry was used last; one that another resolver just took away counts as new."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()
