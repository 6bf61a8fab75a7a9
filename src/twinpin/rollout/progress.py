"""Progress: where a release stands, as a person follows it, and when nothing is on its way any more."""

from collections.abc import Iterator

from twinpin.pair.errors import NotYet
from twinpin.rollout.conditions import ACCEPTED, PROGRESSING
from twinpin.rollout.controller import ENDS
from twinpin.rollout.resource import Condition, Resource, Status

#: Reasons of an alias that names no pair yet: the next look may find one.
PASSING = frozenset(each.__name__ for each in NotYet.__subclasses__())

#: Reasons to wait at which requests go where they should: what is left is to remove what nobody wants.
SETTLED = ENDS | {"Draining"}


class Progress:
    """Tells each new state once."""

    def __init__(self) -> None:
        self._told = ""

    def news(self, found: Resource) -> str:
        """Return the state in a line; empty where it is the one that was told last."""
        progressing = condition(found.status, PROGRESSING)
        line = f"{progressing.reason}: {progressing.message}".rstrip(": ") if progressing else ""
        if line == self._told:
            return ""
        self._told = line
        return line


def condition(status: Status, kind: str) -> Condition | None:
    """Find one condition; None before the first look."""
    return next((each for each in status.conditions if each.type == kind), None)


def ended(found: Resource, versions: str | None = None) -> bool:
    """Whether all is done that was asked for, and the pair of these *versions*, if any, serves or is rejected.

    A canary that has its share is done too: what comes next is a person's word.
    """
    status, progressing = found.status, condition(found.status, PROGRESSING)
    if progressing is None or _asked(found):
        return False
    if progressing.reason == "Paused":
        return True
    if versions and not (_serves(status, versions) or status.rejection(versions) or _shares(status, versions)):
        return False
    return progressing.reason in SETTLED or (progressing.status == "False" and progressing.reason not in PASSING)


def shared(found: Resource, percent: int) -> bool:
    """Whether the candidate has its share in every router, or is a candidate no more."""
    progressing = condition(found.status, PROGRESSING)
    if found.status.candidate is None:
        return ended(found)
    return progressing is not None and progressing.reason == "Canary" and found.status.percent == percent


def lines(status: Status) -> Iterator[str]:
    """Say what serves and what is on its way."""
    yield f"serving:   {status.stable.pair if status.stable else 'nothing'}"
    if status.candidate:
        share = f", {status.percent} of 100 requests" if status.percent else ""
        mover = f", moved by {status.candidate.moved_by}" if status.candidate.moved_by else ""
        yield f"candidate: {status.candidate.pair or status.candidate.versions}{share}{mover}"
    if status.kept:
        yield f"kept warm: {', '.join(status.kept)}"


def trouble(status: Status) -> Condition | None:
    """Find why the pair behind the alias does not serve and will not; None where it does or may."""
    accepted = condition(status, ACCEPTED)
    return accepted if accepted and accepted.status == "False" else None


def _asked(found: Resource) -> bool:
    """Whether a person asked for something that was not carried out yet."""
    status = found.status
    return (found.retry, found.abort, found.promote) != (status.retried, status.aborted, status.promoted)


def _serves(status: Status, versions: str) -> bool:
    """Whether the pair of these versions serves."""
    return status.stable is not None and status.stable.pair.startswith(f"{versions}-")


def _shares(status: Status, versions: str) -> bool:
    """Whether the pair of these versions is a canary."""
    return status.candidate is not None and status.candidate.versions == versions and status.percent > 0
