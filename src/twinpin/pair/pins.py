"""Pins: where the Pin of each rollout is kept, written once by the first that comes."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from twinpin.pair import tree
from twinpin.pair.errors import BadPin, Refused
from twinpin.pair.pin import Pin

#: What a Kubernetes object may be called, so that a rollout can always name one.
ROLLOUT = re.compile(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?")


class Pins(Protocol):
    """A store of Pins in which creation is first-wins. Both methods may raise Unreachable."""

    def read(self, rollout: str) -> Pin | None:
        """Read the Pin of a rollout; None when it has none yet."""
        ...

    def create(self, pin: Pin) -> Pin:
        """Record *pin* unless its rollout has one, and return the one that holds."""
        ...


@dataclass(frozen=True, slots=True)
class FilePins:
    """Pins as files in a folder that all who start under one rollout share."""

    folder: Path

    def read(self, rollout: str) -> Pin | None:
        """Read the Pin of a rollout; None when it has none yet."""
        return read_pin(self._path(rollout))

    def create(self, pin: Pin) -> Pin:
        """Record *pin* unless its rollout has one, and return the one that holds."""
        path = self._path(pin.rollout)
        tree.create(path, pin.model_dump_json(indent=2) + "\n")
        winner = read_pin(path)
        if winner is None:
            raise BadPin(f"The Pin of rollout {pin.rollout!r} was deleted while it was made: nothing may delete it.")
        return winner

    def _path(self, rollout: str) -> Path:
        """Name the file; a rollout's name must not lead out of the folder."""
        require_rollout(rollout)
        return self.folder / f"{rollout}.json"


def read_pin(path: Path) -> Pin | None:
    """Read a Pin from a file; None when there is no file, BadPin when it holds something else."""
    try:
        return parse_pin(path.read_bytes(), path.name)
    except FileNotFoundError:
        return None


def parse_pin(text: str | bytes, place: str) -> Pin:
    """Read a Pin from its text; BadPin, which names the *place* of it, when it is something else."""
    try:
        return Pin.model_validate_json(text)
    except ValidationError as error:
        raise BadPin(
            f"{place} is not a Pin. Nothing of ours writes half of one, so somebody edited it: restore it, or start a "
            "new rollout."
        ) from error


def require_rollout(rollout: str) -> None:
    """Refuse a name that cannot be part of a file's or an object's."""
    if not ROLLOUT.fullmatch(rollout):
        raise Refused(
            f"A rollout cannot be called {rollout!r}: take small letters, digits, dots and dashes, 63 at most."
        )
