"""Account: what the record should say, computed from what was seen and from the record before.

The record is written before anything is done on its strength, so an action never rests on what only one process knows.
"""

from collections.abc import Iterator

from twinpin.rollout.floors import floors_for_candidate, settled
from twinpin.rollout.judging import watching
from twinpin.rollout.resource import HISTORY, REJECTED, Candidate, Period, Rejection, Serving, Status, Unrouted
from twinpin.rollout.snapshot import Aliased, NoPair, Snapshot, versions_of

#: Reason of a rejection that a person asked for.
ABORTED = "Aborted"


def account(seen: Snapshot) -> Status:
    """Bring the record up to date, all but its conditions."""
    status = _with_stable(seen, seen.status)
    if status.stable:
        status = status.model_copy(update={"stable": settled(seen, status.stable)})
    status = _with_requests(seen, status)
    status = status.model_copy(update={"rejected": tuple(_rejections(seen, status))})
    status = status.model_copy(update={"candidate": _candidate(seen, status)})
    status = status.model_copy(update={"kept": tuple(_kept(seen, status))[: seen.spec.keep]})
    status = status.model_copy(
        update={
            "unrouted": tuple(_unrouted(seen)),
            "generations": {front.name: front.generation for front in seen.fronts},
            "template": seen.template.digest,
            "kinds": tuple(sorted({*seen.status.kinds, *seen.template.kinds})),
            "percent": max((front.route.percent for front in seen.fronts if front.route), default=0),
        }
    )
    return status.model_copy(update={"retiring": tuple(_retiring(seen, status)), "watch": watching(seen, status)})


def rejecting(seen: Snapshot, reason: str, message: str) -> Status:
    """Write the candidate off: it is left alone until the alias moves, the template changes or somebody asks."""
    status, candidate = seen.status, seen.status.candidate
    if candidate is None:
        return status
    pair = candidate.pair or candidate.versions
    before = next((each for each in status.rejected if each.pair == pair), None)
    rejection = Rejection(
        pair=pair,
        versions=candidate.versions,
        reason=reason,
        message=message,
        at=seen.now,
        count=before.count + 1 if before else 1,
        template=seen.template.digest,
    )
    period = Period(
        pair=pair,
        rollout=candidate.rollout,
        start=candidate.since,
        end=seen.now,
        moved_by=candidate.moved_by,
        outcome="Rejected",
        reason=f"{reason}: {message}",
    )
    return status.model_copy(
        update={
            "candidate": None,
            "rejected": (rejection, *(each for each in status.rejected if each.pair != pair))[:REJECTED],
            "history": (period, *status.history)[:HISTORY],
            "aborted": seen.resource.abort if reason == ABORTED else status.aborted,
        }
    )


def _with_stable(seen: Snapshot, status: Status) -> Status:
    """Take for stable what all fronts send to, unless somebody else wrote one of them."""
    routes = {front.route for front in seen.fronts}
    route = routes.pop() if len(routes) == 1 else None
    trusted = all(front.version is not None and not front.edited for front in seen.fronts)
    if route is None or not trusted or (status.stable and status.stable.rollout == route.stable):
        return status
    rollout = seen.rollouts.get(route.stable)
    if rollout is None or rollout.pin is None:
        return status
    candidate = status.candidate
    floors = candidate.floors if candidate and candidate.rollout == rollout.name else ()
    serving = Serving(pair=rollout.pin.id, rollout=rollout.name, since=seen.now, floors=floors)
    return status.model_copy(update={"stable": serving, "history": _moved_on(seen, status, serving)})


def _moved_on(seen: Snapshot, status: Status, serving: Serving) -> tuple[Period, ...]:
    """End the period that served, and begin the next."""
    candidate = status.candidate
    if candidate and candidate.rollout == serving.rollout:
        mover = candidate.moved_by
    else:
        mover = seen.alias.moved_by if isinstance(seen.alias, Aliased) else None
    ended = tuple(
        each.model_copy(update={"end": seen.now, "outcome": "Replaced"}) if each.outcome == "Serving" else each
        for each in status.history
    )
    begun = Period(
        pair=serving.pair, rollout=serving.rollout, start=seen.now, moved_by=mover or None, outcome="Serving"
    )
    return (begun, *ended)[:HISTORY]


def _with_requests(seen: Snapshot, status: Status) -> Status:
    """Note what a person asked for: another try is granted at once, and what is asked of no candidate is done."""
    retry, abort = seen.resource.retry, seen.resource.abort
    if retry != status.retried:
        forgiven = tuple(each.model_copy(update={"active": False}) for each in status.rejected)
        status = status.model_copy(update={"retried": retry, "rejected": forgiven})
    if abort != status.aborted and not abort_wanted(seen, status.candidate):
        status = status.model_copy(update={"aborted": abort})
    if seen.resource.promote != status.promoted and not promote_wanted(seen, status.candidate):
        status = status.model_copy(update={"promoted": seen.resource.promote})
    return status


def abort_wanted(seen: Snapshot, candidate: Candidate | None) -> bool:
    """Whether a person asked for the end of this candidate and it was not carried out yet."""
    return seen.resource.abort != seen.status.aborted and _asked_of(candidate, seen.resource.abort)


def promote_wanted(seen: Snapshot, candidate: Candidate | None) -> bool:
    """Whether a person asked that this candidate get everything, and it does not serve yet."""
    return seen.resource.promote != seen.status.promoted and _asked_of(candidate, seen.resource.promote)


def _asked_of(candidate: Candidate | None, asked: str) -> bool:
    """Whether a request, such as p7-m12-3fa9c1@2026-01-01T00:00:00Z, is of this candidate."""
    return candidate is not None and candidate.rollout is not None and asked.partition("@")[0] == candidate.rollout


def _rejections(seen: Snapshot, status: Status) -> Iterator[Rejection]:
    """Forget why a pair was left alone once the alias stands elsewhere, or the template is another."""
    for each in status.rejected:
        elsewhere = isinstance(seen.alias, Aliased) and seen.alias.versions.label != each.versions
        holds = each.active and not elsewhere and each.template == seen.template.digest
        yield each if holds == each.active else each.model_copy(update={"active": holds})


def _candidate(seen: Snapshot, status: Status) -> Candidate | None:
    """Name what is on its way: what the alias names, unless it serves already or was rejected."""
    old = status.candidate
    if isinstance(seen.alias, NoPair):
        served = old is None or (status.stable is not None and status.stable.rollout == old.rollout)
        return None if served or seen.alias.gone else old
    versions = seen.alias.versions
    stable = seen.rollouts.get(status.stable.rollout) if status.stable else None
    if stable and stable.pin and versions_of(stable.pin) == versions:
        return None
    if status.rejection(versions.label):
        return None
    rollout = seen.pinned(versions)
    same = old is not None and old.versions == versions.label
    return Candidate(
        versions=versions.label,
        rollout=rollout.name if rollout else None,
        pair=rollout.pin.id if rollout and rollout.pin else None,
        since=old.since if old and same and status.template in {"", seen.template.digest} else seen.now,
        moved_by=old.moved_by if old and same else seen.alias.moved_by,
        back=old.back if old and same else _goes_back(seen.alias, status),
        probed=old.probed if old and rollout and _still_probed(seen, old, rollout.name) else None,
        floors=floors_for_candidate(seen, status),
    )


def _goes_back(alias: Aliased, status: Status) -> bool:
    """Whether somebody returns to a pair that served before, by a rollback or by moving the alias without Twinpin."""
    served = any(
        each.outcome == "Replaced" and each.pair.startswith(f"{alias.versions.label}-") for each in status.history
    )
    return served and alias.verb in {None, "rollback"}


def _still_probed(seen: Snapshot, old: Candidate, rollout: str) -> bool:
    """Whether the probe on record was of this rollout under this template."""
    return old.rollout == rollout and old.probed == seen.template.digest


def _kept(seen: Snapshot, status: Status) -> Iterator[str]:
    """List the rollouts that served before and still stand, the last one first."""
    passed = {status.stable.rollout} if status.stable else set[str]()
    left = {each.pair for each in status.rejected if each.active}
    for period in status.history:
        rollout = seen.rollouts.get(period.rollout or "")
        if rollout is None or rollout.pin is None or rollout.name in passed or period.outcome == "Rejected":
            continue
        passed.add(rollout.name)
        if rollout.name not in status.retiring and rollout.pin.id not in left:
            yield rollout.name


def _unrouted(seen: Snapshot) -> Iterator[Unrouted]:
    """Say since when nothing sends to a rollout; anew where a front changed since the last look."""
    fresh = seen.status.generations != {front.name: front.generation for front in seen.fronts}
    for name in sorted(set(seen.rollouts) - seen.mentioned):
        since = None if fresh else seen.status.unrouted_since(name)
        yield Unrouted(rollout=name, since=since or seen.now)


def _retiring(seen: Snapshot, status: Status) -> Iterator[str]:
    """List what is to go: what nobody wants and nothing has sent to for long enough, until it is gone.

    Once on the list a rollout stays there until it is gone, wanted again or not: somebody may be removing it right now.
    """
    wanted = {each.rollout for each in (status.stable, status.candidate) if each} | set(status.kept)
    for name in sorted(set(seen.rollouts) - seen.mentioned):
        since = status.unrouted_since(name)
        due = since is not None and (seen.now - since).total_seconds() >= seen.spec.drain
        if name in seen.status.retiring or (due and name not in wanted):
            yield name
