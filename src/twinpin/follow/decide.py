"""Decide: from the record, the alias and what this process has loaded to one deed."""

import datetime as dt
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from twinpin.follow.entries import moved, noted, tried
from twinpin.follow.record import Seen
from twinpin.pair.pin import Pin
from twinpin.pair.version import Versions
from twinpin.rollout.resource import Status
from twinpin.rollout.snapshot import Aliased, NoPair, versions_of

#: Seconds without a word from it after which a process that tries a pair is taken for gone.
SILENCE = 30.0
#: Processes that may go away while they load a pair, before the pair is held to be the cause.
ENDS = 2


@dataclass(frozen=True, slots=True)
class Mine:
    """This process."""

    owner: str
    pin: Pin
    #: Pairs that it has loaded.
    loaded: AbstractSet[Versions]
    #: What it tried last; a new process has tried nothing.
    tried: Versions | None = None


@dataclass(frozen=True, slots=True)
class Join:
    """Serve what all others serve."""

    pin: Pin


@dataclass(frozen=True, slots=True)
class Note:
    """Write the record."""

    status: Status


@dataclass(frozen=True, slots=True)
class Try:
    """Write that this process tries a pair, then load it."""

    versions: Versions
    status: Status


@dataclass(frozen=True, slots=True)
class Move:
    """Write that all serve a pair that this process has loaded, then serve it."""

    versions: Versions


@dataclass(frozen=True, slots=True)
class Refuse:
    """Write that a pair is left alone."""

    versions: Versions
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Rest:
    """Do nothing; *fetch* tells whose files may be fetched meanwhile."""

    reason: str
    message: str = ""
    fetch: Versions | None = None


Deed = Join | Note | Try | Move | Refuse | Rest


def decide(seen: Seen, alias: Aliased | NoPair, mine: Mine, now: dt.datetime) -> Deed:
    """Say what this process does next."""
    if seen.pin is None or not (seen.status.stable and seen.status.stable.pair == seen.pin.id):
        return Note(moved(seen, seen.pin or mine.pin, now))
    if seen.pin.id != mine.pin.id:
        return Join(seen.pin)
    status = noted(seen, alias)
    if status != seen.status:
        return Note(status)
    if isinstance(alias, NoPair):
        return Rest(alias.reason, alias.message)
    return _still(seen, alias.versions) or _go(seen, alias, mine, now)


def _still(seen: Seen, versions: Versions) -> Rest | None:
    """Say why the pair that serves goes on, where there is a reason."""
    if seen.pin is not None and versions == versions_of(seen.pin):
        return Rest("InSync", f"{seen.pin.id} serves.")
    if seen.paused:
        return Rest("Paused", "spec.paused is set.")
    rejection = seen.status.rejection(versions.label)
    return Rest("Rejected", rejection.message) if rejection else None


def _go(seen: Seen, alias: Aliased, mine: Mine, now: dt.datetime) -> Deed:
    """Serve the pair behind the alias, once it is loaded."""
    return Move(alias.versions) if alias.versions in mine.loaded else _try(seen, alias, mine, now)


def _try(seen: Seen, alias: Aliased, mine: Mine, now: dt.datetime) -> Deed:
    """Load the pair, unless another process does: a pair that ends its process must not end all of them at once."""
    trial, versions = seen.status.trial, alias.versions
    if trial is None or trial.versions != versions.label:
        return Try(versions, tried(seen, alias, mine.owner, 0, now))
    if trial.owner == mine.owner and mine.tried == versions:
        return Try(versions, tried(seen, alias, mine.owner, trial.ended, now))
    if trial.owner != mine.owner and (now - trial.at).total_seconds() < SILENCE:
        return Rest("Loading", f"{trial.owner} loads {versions.label}.", versions)
    if trial.ended + 1 >= ENDS:
        return Refuse(
            versions,
            "DiedLoading",
            f"{ENDS} processes ended, the last of them {trial.owner}, while they loaded {versions.label} beside the "
            "pair that serves. See why its container ended; where its memory did, give it more.",
        )
    return Try(versions, tried(seen, alias, mine.owner, trial.ended + 1, now))
