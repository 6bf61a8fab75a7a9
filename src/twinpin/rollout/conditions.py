"""Conditions: what the record tells people, from the step that comes next."""

from twinpin.rollout.actions import Apply, Drop, MakePin, Probe, Record, Reject, Retire, Scale, Step, Switch, Wait
from twinpin.rollout.judging import done, enough, silent, unobserved
from twinpin.rollout.resource import Condition, Count, Status, Watch
from twinpin.rollout.snapshot import Aliased, NoPair, Route, Snapshot

READY = "Ready"
PROGRESSING = "Progressing"
ACCEPTED = "PairAccepted"
REACHABLE = "RegistryReachable"
IN_SYNC = "GraphInSync"
#: There while a canary is judged by its figures.
HEALTHY = "CanaryHealthy"

#: The record in a word.
PHASES = ("Waiting", "Progressing", "Canary", "Serving", "Rejected", "Paused")

#: Reasons of an alias that cannot be read, which say nothing of the pair.
UNREACHED = frozenset({"Unreachable", "Denied"})

_DOING = {
    MakePin: "Pinning",
    Apply: "Applying",
    Drop: "Applying",
    Probe: "Probing",
    Reject: "Rejecting",
    Scale: "Scaling",
    Switch: "Switching",
    Retire: "Retiring",
    Record: "Recording",
}

#: A verdict: True, False or None for unknown; its reason; its message.
Verdict = tuple[bool | None, str, str]


def concluded(seen: Snapshot, step: Step, route: Route | None) -> Status:
    """Return the record with its conditions and its phase."""
    verdicts = {
        READY: _ready(seen),
        PROGRESSING: _progressing(seen, step),
        ACCEPTED: _accepted(seen),
        REACHABLE: _reachable(seen),
        IN_SYNC: _in_sync(seen, route),
    }
    if seen.status.watch and seen.figures is not None:
        verdicts[HEALTHY] = _healthy(seen, seen.status.watch, seen.figures)
    conditions = tuple(_condition(seen, name, verdict) for name, verdict in verdicts.items())
    return seen.status.model_copy(update={"conditions": conditions, "phase": _phase(seen)})


def _healthy(seen: Snapshot, watch: Watch, figures: tuple[Count, ...]) -> Verdict:
    """Whether a canary is within its limits; without numbers, which change with every look."""
    if pods := silent(figures):
        return None, "PodsSilent", f"The metrics of {', '.join(pods)} cannot be read, so they do not count."
    if not enough(seen, done(watch.canary, watch.marks[0], figures)):
        return None, "TooFewRequests", f"{watch.canary} has had too few requests to be judged."
    if unobserved(seen, figures):
        return None, "Unobserved", "No pod shows what it is given and forecasts, so that is not judged: see `observe`."
    return True, "WithinLimits", f"{watch.canary} is within its limits beside {watch.stable}."


def _condition(seen: Snapshot, name: str, verdict: Verdict) -> Condition:
    """Write a verdict down; its time changes with its status alone."""
    holds, reason, message = verdict
    status = "Unknown" if holds is None else str(holds)
    old = next((each for each in seen.status.conditions if each.type == name), None)
    since = old.last_transition_time if old and old.status == status else seen.now
    return Condition.model_validate(
        {"type": name, "status": status, "reason": reason, "message": message, "last_transition_time": since}
    )


def _phase(seen: Snapshot) -> str:
    """Sum the record up in a word."""
    status = seen.status
    if seen.spec.paused:
        return "Paused"
    if status.candidate:
        return "Canary" if status.percent else "Progressing"
    if any(each.active for each in status.rejected):
        return "Rejected"
    return "Serving" if status.stable else "Waiting"


def _ready(seen: Snapshot) -> Verdict:
    """Whether requests are answered."""
    stable = seen.status.stable
    if stable is None:
        return False, "NothingServes", "No pair has been brought live yet."
    rollout = seen.rollouts.get(stable.rollout)
    if rollout is None or not rollout.serving:
        return False, "NotServing", f"{stable.rollout} has a step without a ready pod."
    answering = {sender.answers_for for sender in seen.senders}
    silent = [front.name for front in seen.fronts if front.name not in answering]
    if silent:
        return False, "NoRouter", f"No pod of Deployment {' and '.join(silent)} is ready: `kubectl describe` it."
    return True, "Serving", f"{stable.pair} serves."


def _progressing(seen: Snapshot, step: Step) -> Verdict:
    """What is being done, or waited for."""
    if isinstance(step, Wait):
        done = seen.status.candidate is None and not seen.status.retiring and step.reason != "RouterRolling"
        return not done, step.reason, step.message
    candidate = seen.status.candidate
    return True, _DOING[type(step)], f"{candidate.pair or candidate.versions} is on its way." if candidate else ""


def _accepted(seen: Snapshot) -> Verdict:
    """Whether the pair behind the alias is one that serves or may come to serve."""
    if isinstance(seen.alias, NoPair):
        return None if seen.alias.reason in UNREACHED else False, seen.alias.reason, seen.alias.message
    rejection = seen.status.rejection(seen.alias.versions.label)
    if rejection:
        return False, rejection.reason, rejection.message
    return True, "Pair", f"{seen.alias.versions.label} is a pair."


def _reachable(seen: Snapshot) -> Verdict:
    """Whether the registry answers."""
    if isinstance(seen.alias, Aliased) or seen.alias.reason not in UNREACHED:
        return True, "Answers", "The registry answers."
    return False, seen.alias.reason, seen.alias.message


def _in_sync(seen: Snapshot, route: Route | None) -> Verdict:
    """Whether every front is as the controller would write it."""
    if route is None:
        return None, "NothingServes", "There is nothing to point at yet."
    for front in seen.fronts:
        if front.version is None:
            return False, "Missing", f"{front.name} is not there."
        if front.edited:
            return False, "EditedByHand", f"{front.name} was written by somebody else; it is put back."
        if not front.follows(route):
            return False, "Behind", f"{front.name} sends to {front.route.label if front.route else 'something else'}."
    return True, "Written", f"Requests go to {route.label}."
