"""Conditions: what the record tells people, as a controller's would."""

import datetime as dt

from twinpin.follow.record import Seen
from twinpin.pair.version import Versions
from twinpin.rollout.conditions import ACCEPTED, PROGRESSING, REACHABLE, READY, UNREACHED, Verdict
from twinpin.rollout.resource import Condition, Status
from twinpin.rollout.snapshot import Aliased, NoPair, versions_of


def described(seen: Seen, alias: Aliased | NoPair, now: dt.datetime) -> Status:
    """Return the record with its conditions and its phase."""
    verdicts = {
        READY: _ready(seen),
        PROGRESSING: _progressing(seen, alias),
        ACCEPTED: _accepted(seen, alias),
        REACHABLE: _reachable(alias),
    }
    conditions = tuple(_condition(seen, name, verdict, now) for name, verdict in verdicts.items())
    return seen.status.model_copy(update={"conditions": conditions, "phase": _phase(seen)})


def _condition(seen: Seen, name: str, verdict: Verdict, now: dt.datetime) -> Condition:
    """Write a verdict down; its time changes with its status alone."""
    holds, reason, message = verdict
    status = "Unknown" if holds is None else str(holds)
    old = next((each for each in seen.status.conditions if each.type == name), None)
    since = old.last_transition_time if old and old.status == status else now
    return Condition.model_validate(
        {"type": name, "status": status, "reason": reason, "message": message, "last_transition_time": since}
    )


def _phase(seen: Seen) -> str:
    """Sum the record up in a word."""
    if seen.paused:
        return "Paused"
    if seen.status.candidate:
        return "Progressing"
    if any(each.active for each in seen.status.rejected):
        return "Rejected"
    return "Serving" if seen.status.stable else "Waiting"


def _ready(seen: Seen) -> Verdict:
    """Whether a pair serves; whether pods do is what Kubernetes itself tells."""
    if seen.status.stable is None:
        return False, "NothingServes", "No pair has been brought live yet."
    return True, "Serving", f"{seen.status.stable.pair} serves."


def _progressing(seen: Seen, alias: Aliased | NoPair) -> Verdict:
    """What is on its way."""
    trial = seen.status.trial
    if trial is not None:
        return True, "Loading", f"{trial.owner} loads {trial.versions}."
    if isinstance(alias, NoPair):
        return False, alias.reason, alias.message
    if seen.pin is not None and versions_of(seen.pin) == alias.versions:
        return False, "InSync", f"{seen.pin.id} serves."
    if seen.status.rejection(alias.versions.label):
        return False, "Rejected", f"{alias.versions.label} is left alone."
    if seen.paused:
        return False, "Paused", "spec.paused is set."
    return True, "Behind", f"{alias.versions.label} is to be loaded."


def _accepted(seen: Seen, alias: Aliased | NoPair) -> Verdict:
    """Whether the pair behind the alias is one that serves or may come to serve."""
    if isinstance(alias, NoPair):
        return None if alias.reason in UNREACHED else False, alias.reason, alias.message
    return _judged(seen, alias.versions)


def _judged(seen: Seen, versions: Versions) -> Verdict:
    """Whether it was refused."""
    rejection = seen.status.rejection(versions.label)
    if rejection:
        return False, rejection.reason, rejection.message
    return True, "Pair", f"{versions.label} is a pair."


def _reachable(alias: Aliased | NoPair) -> Verdict:
    """Whether the registry answers."""
    if isinstance(alias, Aliased) or alias.reason not in UNREACHED:
        return True, "Answers", "The registry answers."
    return False, alias.reason, alias.message
