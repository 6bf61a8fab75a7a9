"""Entries: what the record says next, computed from what it says now."""

import datetime as dt
from collections.abc import Iterator

from twinpin.follow.record import Seen
from twinpin.pair.pin import Pin
from twinpin.pair.version import Versions
from twinpin.rollout.resource import HISTORY, REJECTED, Candidate, Period, Rejection, Serving, Status, Trial
from twinpin.rollout.snapshot import Aliased, NoPair


def tried(seen: Seen, alias: Aliased, owner: str, ended: int, now: dt.datetime) -> Status:
    """Let one process load the pair behind the alias, after so many that went away while they did."""
    label = alias.versions.label
    old = seen.status.candidate
    since = old.since if old and old.versions == label else now
    candidate = Candidate(versions=label, since=since, moved_by=alias.moved_by)
    trial = Trial(versions=label, owner=owner, at=now, ended=ended)
    return seen.status.model_copy(update={"candidate": candidate, "trial": trial})


def moved(seen: Seen, pin: Pin, now: dt.datetime, mover: str | None = None) -> Status:
    """Let all serve this pair."""
    status = seen.status
    if status.stable and status.stable.pair == pin.id:
        return status.model_copy(update={"pin": pin.model_dump_json(), "candidate": None, "trial": None})
    ended = tuple(
        each.model_copy(update={"end": now, "outcome": "Replaced"}) if each.outcome == "Serving" else each
        for each in status.history
    )
    begun = Period(pair=pin.id, rollout=pin.id, start=now, moved_by=mover, outcome="Serving")
    kept = (status.stable.rollout, *status.kept) if status.stable else status.kept
    return status.model_copy(
        update={
            "pin": pin.model_dump_json(),
            "stable": Serving(pair=pin.id, rollout=pin.id, since=now),
            "kept": tuple(each for each in dict.fromkeys(kept) if each != pin.id)[: seen.keep],
            "candidate": None,
            "trial": None,
            "history": (begun, *ended)[:HISTORY],
        }
    )


def refused(seen: Seen, versions: Versions, reason: str, message: str, now: dt.datetime) -> Status:
    """Leave this pair alone until the alias moves away and back, or a person asks."""
    status, label = seen.status, versions.label
    before = next((each for each in status.rejected if each.pair == label), None)
    count = before.count + 1 if before else 1
    rejection = Rejection(pair=label, versions=label, reason=reason, message=message, at=now, count=count, template="")
    candidate = status.candidate if status.candidate and status.candidate.versions == label else None
    period = Period(
        pair=label,
        start=candidate.since if candidate else now,
        end=now,
        moved_by=candidate.moved_by if candidate else None,
        outcome="Rejected",
        reason=f"{reason}: {message}",
    )
    others = tuple(each for each in status.rejected if each.pair != label)
    return status.model_copy(
        update={
            "rejected": (rejection, *others)[:REJECTED],
            "history": (period, *status.history)[:HISTORY],
            "candidate": None,
            "trial": None,
        }
    )


def noted(seen: Seen, alias: Aliased | NoPair) -> Status:
    """Forget what the alias has left behind, and grant another try where a person asks for one."""
    status = seen.status
    if seen.retry != status.retried:
        forgiven = tuple(each.model_copy(update={"active": False}) for each in status.rejected)
        status = status.model_copy(update={"retried": seen.retry, "rejected": forgiven})
    status = status.model_copy(update={"rejected": tuple(_rejections(status, alias))})
    if status.candidate and _left(status.candidate.versions, seen, alias):
        status = status.model_copy(update={"candidate": None, "trial": None})
    return status


def _rejections(status: Status, alias: Aliased | NoPair) -> Iterator[Rejection]:
    """Forget why a pair was left alone once the alias stands elsewhere."""
    for each in status.rejected:
        elsewhere = isinstance(alias, Aliased) and alias.versions.label != each.versions
        yield each.model_copy(update={"active": False}) if each.active and elsewhere else each


def _left(versions: str, seen: Seen, alias: Aliased | NoPair) -> bool:
    """Whether the alias has left a candidate; one that cannot be read may be there still."""
    if isinstance(alias, NoPair):
        return alias.gone
    return alias.versions.label != versions or bool(seen.status.rejection(versions))
