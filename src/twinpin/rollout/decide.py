"""Decide: the one thing to do next, from what was seen and nothing else.

The order is what keeps requests whole: a Pin, its services, all of them ready, a probe answered right, one write of the
graph, the routers replaced, the drain over, and only then the old services removed.
"""

import dataclasses
import datetime as dt
from collections.abc import Callable

from twinpin.rollout.account import ABORTED, abort_wanted, account, promote_wanted
from twinpin.rollout.actions import Apply, Drop, MakePin, Probe, Record, Reject, Retire, Scale, Step, Switch, Wait
from twinpin.rollout.conditions import REACHABLE, concluded
from twinpin.rollout.floors import floors_of, short_of
from twinpin.rollout.judging import judged
from twinpin.rollout.resource import Candidate
from twinpin.rollout.snapshot import Aliased, NoPair, Rollout, Route, Snapshot

Rule = Callable[[Snapshot], Step | None]


def decide(seen: Snapshot) -> Step:
    """Return the next action; the record comes first wherever it is behind."""
    resource = seen.resource.model_copy(update={"status": account(seen)})
    known = dataclasses.replace(seen, resource=resource)
    step = choose(known)
    status = concluded(known, step, wanted_route(known))
    return step if status == seen.status else Record(status)


def choose(seen: Snapshot) -> Step:
    """Ask the rules in turn; the first that speaks is followed."""
    for rule in RULES:
        if (step := rule(seen)) is not None:
            return step
    return _rest(seen)


def wanted_route(seen: Snapshot) -> Route | None:
    """Say where requests should go now; None before anything can serve."""
    stable = seen.status.stable.rollout if seen.status.stable else None
    candidate, growing = seen.status.candidate, False
    if candidate and candidate.rollout and eligible(seen, candidate):
        canary = seen.spec.canary
        if canary and stable and not candidate.back and not promote_wanted(seen, candidate):
            return Route(stable, candidate.rollout, canary.percent)
        growing = bool(stable and seen.status.percent) and not _grown(seen, seen.rollouts[candidate.rollout])
        if not growing:
            return Route(candidate.rollout)
    held = next((front.route for front in seen.fronts if front.route and front.route.canary), None)
    if candidate and held and held.canary == candidate.rollout and _holds(seen, candidate, held, growing=growing):
        return held
    return Route(stable) if stable else None


def eligible(seen: Snapshot, candidate: Candidate) -> bool:
    """Whether requests may go to the candidate: the alias names it, its pods stand, its probe was right."""
    rollout = seen.rollouts.get(candidate.rollout or "")
    if rollout is None or not _confirmed(seen, candidate) or candidate.probed != seen.template.digest:
        return False
    routed = any(front.route and rollout.name in front.route.rollouts for front in seen.fronts)
    stands = _grown(seen, rollout) or routed
    return _pointable(seen, rollout.name) and stands and not abort_wanted(seen, candidate)


def _grown(seen: Snapshot, rollout: Rollout) -> bool:
    """Whether all pods of a rollout are there, and as many as the load needs that comes to it."""
    return rollout.ready and short_of(seen, rollout) is None


def _holds(seen: Snapshot, candidate: Candidate, held: Route, *, growing: bool) -> bool:
    """Whether a canary goes on as it is: nobody can say what the alias names, or it has too few pods for everything."""
    stable = seen.status.stable
    stays = growing or isinstance(seen.alias, NoPair)
    return stays and stable is not None and held.stable == stable.rollout and _pointable(seen, str(candidate.rollout))


def _confirmed(seen: Snapshot, candidate: Candidate) -> bool:
    """Whether the alias was seen to name the candidate just now."""
    return isinstance(seen.alias, Aliased) and seen.alias.versions.label == candidate.versions


def _pointable(seen: Snapshot, name: str) -> bool:
    """Whether a front may point at a rollout: it is whole, it answers, and nobody is removing it."""
    rollout = seen.rollouts.get(name)
    return (
        rollout is not None
        and rollout.pin is not None
        and rollout.serving
        and not rollout.deleting
        and name not in seen.status.retiring
    )


def _paused(seen: Snapshot) -> Step | None:
    """Touch nothing while a person says so."""
    if seen.spec.paused:
        return Wait("Paused", "spec.paused is true: nothing is changed until it is false.")
    return None


def _retire(seen: Snapshot) -> Step | None:
    """Remove what is on record as going and still unmentioned.

    Where a front is missing there is nothing to write first, so it is made again before anything goes.
    """
    if seen.status.stable and any(front.version is None for front in seen.fronts):
        return None
    for name in seen.status.retiring:
        rollout = seen.rollouts[name]
        if name not in seen.mentioned and not all(part.deleting for part in rollout.parts):
            return Retire(rollout, seen.fronts)
    return None


def _switch(seen: Snapshot) -> Step | None:
    """Write the first front that does not send where it should, once all of where it should stands."""
    route = wanted_route(seen)
    if route is None or not all(_pointable(seen, each) for each in route.rollouts):
        return None
    return next((Switch(front, route) for front in seen.fronts if not front.follows(route)), None)


def _maintain(seen: Snapshot) -> Step | None:
    """Keep what gets requests as the template has it."""
    stable = seen.status.stable
    routed = sorted(seen.mentioned | ({stable.rollout} if stable else set()))
    return next((Apply(each) for each in routed if _outdated(seen, each)), None)


def _drop(seen: Snapshot) -> Step | None:
    """Remove what the template has no more: an autoscaler that was switched off would go on scaling."""
    left = (part for name in sorted(seen.rollouts) for part in seen.rollouts[name].dropped(seen.template))
    return next(map(Drop, left), None)


def _advance(seen: Snapshot) -> Step | None:
    """Bring the candidate one step on."""
    candidate = seen.status.candidate
    if candidate is None:
        return None
    if abort_wanted(seen, candidate):
        return Reject(ABORTED, "A person ended it.")
    rollout = seen.rollouts.get(candidate.rollout or "")
    if rollout is None:
        return _pin(seen, candidate)
    return _build(seen, candidate, rollout)


def _build(seen: Snapshot, candidate: Candidate, rollout: Rollout) -> Step | None:
    """Make the candidate's objects, once nothing is left of an earlier life of it."""
    if said := judged(seen):
        return Reject("Judged", said)
    if rollout.name in seen.status.retiring or rollout.deleting:
        return Wait("Removing", f"What was left of {rollout.name} is being removed; then it is made again.")
    if not rollout.current(seen.template, floors_of(seen.status, rollout.name)):
        return Apply(rollout.name)
    if short := short_of(seen, rollout):
        return Scale(rollout.name, *short)
    return _prove(seen, candidate, rollout)


def _pin(seen: Snapshot, candidate: Candidate) -> Step:
    """Make the Pin of what the alias names, as long as it names it."""
    if isinstance(seen.alias, Aliased):
        return MakePin(seen.alias.versions)
    return Wait(seen.alias.reason, f"{candidate.versions} is not pinned yet. {seen.alias.message}")


def _prove(seen: Snapshot, candidate: Candidate, rollout: Rollout) -> Step | None:
    """Wait for the candidate's pods, then ask it for a forecast, then let the alias have the last word."""
    if rollout.fault:
        return Reject("NotLoading", rollout.fault)
    if not rollout.ready:
        return _late(seen, candidate, rollout)
    if candidate.probed != seen.template.digest:
        return Probe(rollout.name)
    if isinstance(seen.alias, NoPair):
        return Wait(seen.alias.reason, f"{rollout.name} is ready. {seen.alias.message}")
    return _share(seen, rollout) if seen.status.percent else None


def _share(seen: Snapshot, rollout: Rollout) -> Step:
    """Leave a canary to whoever decides on it, once every router gives it its share."""
    labels = {front.route.label for front in seen.fronts if front.route}
    if any(each.route not in {"", *labels} for each in seen.senders):
        return Wait("RouterRolling", "Routers with the graph before are still there.")
    return Wait("Canary", f"{rollout.name} gets {seen.status.percent} of 100 requests until it is promoted or aborted.")


def _late(seen: Snapshot, candidate: Candidate, rollout: Rollout) -> Step:
    """Give the candidate its time; while the registry is down it cannot be blamed."""
    message = f"{rollout.name} is not ready. {rollout.message}".strip()
    if seen.status.percent and candidate.probed == seen.template.digest:
        return Wait("NotReady", message)  # a canary that grows, or of which a pod is being replaced
    reached = next((each for each in seen.status.conditions if each.type == REACHABLE), None)
    if isinstance(seen.alias, NoPair) or (reached and reached.status == "False"):
        return Wait("NotReady", message)
    begun = max(candidate.since, reached.last_transition_time) if reached else candidate.since
    until = begun + dt.timedelta(seconds=seen.spec.progress_deadline)
    if seen.now >= until:
        return Reject("NeverReady", f"{message} It had {seen.spec.progress_deadline} s.")
    return Wait("NotReady", message, until)


def _tidy(seen: Snapshot) -> Step | None:
    """Keep what stays warm as the template has it, so that a rollback finds it ready."""
    return next((Apply(each) for each in seen.status.kept if _outdated(seen, each)), None)


def _outdated(seen: Snapshot, name: str) -> bool:
    """Whether a rollout stands otherwise than the template has it, and may be applied again."""
    rollout = seen.rollouts.get(name)
    if rollout is None or rollout.pin is None or rollout.deleting or name in seen.status.retiring:
        return False
    return not rollout.current(seen.template, floors_of(seen.status, name))


def _rest(seen: Snapshot) -> Wait:
    """Say what is waited for when there is nothing to do."""
    route = wanted_route(seen)
    if route and not all(_pointable(seen, each) for each in route.rollouts):
        return Wait("StableNotServing", f"{route.label} does not answer, so no front is pointed at it.")
    if route and any(sender.mentions - route.rollouts for sender in seen.senders):
        return Wait("RouterRolling", "Routers with the graph before are still there.")
    return _draining(seen) or _idle(seen)


def _draining(seen: Snapshot) -> Wait | None:
    """Wait for the end of what nobody wants any more."""
    status = seen.status
    drains = [each.since for each in status.unrouted if each.rollout not in (*status.kept, *status.retiring)]
    if not drains and not status.retiring:
        return None
    until = min(drains) + dt.timedelta(seconds=seen.spec.drain) if drains else None
    return Wait("Draining", "Rollouts that nobody wants are removed when their last requests are over.", until)


def _idle(seen: Snapshot) -> Wait:
    """Say why nothing moves."""
    if isinstance(seen.alias, NoPair):
        return Wait(seen.alias.reason, seen.alias.message)
    if rejection := seen.status.rejection(seen.alias.versions.label):
        return Wait("Rejected", f"{rejection.pair} is left alone. {rejection.reason}: {rejection.message}")
    return Wait("InSync", "The pair behind the alias serves.")


RULES: tuple[Rule, ...] = (_paused, _retire, _switch, _maintain, _drop, _advance, _tidy)
