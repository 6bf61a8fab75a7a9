"""FileRecord: the record in a file, for one process, or for several that share a folder."""

import fcntl
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from twinpin.follow.record import Seen
from twinpin.pair import tree
from twinpin.pair.errors import Refused, UnusableFolder
from twinpin.rollout.resource import Status

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file: {"version": number of the write, "status": the record}."""

    path: Path
    keep: int
    interval: float

    def read(self) -> Seen:
        """Read it; an empty record where there is no file yet."""
        with self._faults():
            version, status = self._content()
        return Seen(version=str(version), status=status, keep=self.keep, interval=self.interval)

    def write(self, status: Status, seen: Seen) -> bool:
        """Write it under a lock, unless another did since it was seen."""
        with self._faults(), self._locked():
            version, _ = self._content()
            if str(version) != seen.version:
                return False
            document = {"version": version + 1, "status": status.model_dump(mode="json", by_alias=True)}
            tree.write(self.path, json.dumps(document, indent=2) + "\n")
            return True

    def tell(self, kind: str, reason: str, message: str) -> None:
        """Log it: nobody else asks."""
        log.log(logging.WARNING if kind == "Warning" else logging.INFO, message, extra={"reason": reason})

    def _content(self) -> tuple[int, Status]:
        """Read the file."""
        try:
            document = json.loads(self.path.read_text(encoding="utf-8"))
            return int(document["version"]), Status.model_validate(document["status"])
        except FileNotFoundError:
            return 0, Status()
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            raise Refused(
                f"{self.path.name} is not a record of what was served, so somebody edited it: restore it, or delete it "
                "to start from the alias."
            ) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other writers out; the kernel lets go of the lock of a process that dies."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Say which folder cannot be used."""
        try:
            yield
        except OSError as error:
            raise UnusableFolder(
                f"The record {self.path} cannot be used: {error.strerror or error}. Let --pins-dir or --pair-dir name "
                "a folder that this user may write."
            ) from error
