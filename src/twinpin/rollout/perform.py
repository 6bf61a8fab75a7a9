"""Perform: carry out one action; a crash anywhere in it leaves what the next look can go on from."""

from twinpin.pair.errors import Refused
from twinpin.pair.events import shortened
from twinpin.rollout.account import rejecting
from twinpin.rollout.actions import Action, Apply, Drop, MakePin, Probe, Record, Reject, Retire, Scale, Switch
from twinpin.rollout.cluster import Cluster, Pairs
from twinpin.rollout.floors import floors_of
from twinpin.rollout.snapshot import Snapshot
from twinpin.rollout.telling import of_switch
from twinpin.rollout.template import MARK


async def perform(action: Action, seen: Snapshot, cluster: Cluster, pairs: Pairs) -> None:
    """Do it; Conflict means that somebody was faster, and that the next look decides anew."""
    match action:
        case Record(status):
            await cluster.write(status, seen.resource)
        case MakePin():
            await _pin(action, seen, cluster, pairs)
        case Apply(rollout):
            await _apply(rollout, seen, cluster)
        case Drop(part):
            await cluster.delete(part)
        case Scale(rollout, workload, replicas):
            await cluster.scale(workload.replace(MARK, rollout), replicas)
        case Probe():
            await _probe(action, seen, cluster)
        case Reject(reason, message):
            await _reject(reason, message, seen, cluster)
        case Switch(front, route):
            await cluster.point(front, route)
            await cluster.tell(*of_switch(action))
        case Retire():
            await _retire(action, cluster)


async def _apply(rollout: str, seen: Snapshot, cluster: Cluster) -> None:
    """Make all objects of a rollout what the template says, with as many pods as it should begin with."""
    for document in seen.template.documents(rollout, floors_of(seen.status, rollout)):
        await cluster.apply(document)


async def _pin(action: MakePin, seen: Snapshot, cluster: Cluster, pairs: Pairs) -> None:
    """Make the Pin; a pair that never can be one is rejected."""
    try:
        pin, example = await pairs.pin(action.versions)
    except Refused as error:
        await _reject(type(error).__name__, shortened(error.message, error.mend), seen, cluster)
        return
    pin = pin.model_copy(update={"rollout": cluster.name_rollout(pin.id)})
    if example is not None:
        await cluster.create_example(pin.rollout, example)
    pin = await cluster.create_pin(pin)
    await cluster.tell("Normal", "Pinned", f"{pin.id} is pinned as rollout {pin.rollout}.")


async def _probe(action: Probe, seen: Snapshot, cluster: Cluster) -> None:
    """Ask for the forecast and put the outcome on record."""
    wrong = await cluster.probe(seen.rollouts[action.rollout])
    if wrong is not None:
        await _reject("WrongForecast", wrong, seen, cluster)
        return
    candidate = seen.status.candidate
    if candidate is not None:
        probed = candidate.model_copy(update={"probed": seen.template.digest})
        await cluster.write(seen.status.model_copy(update={"candidate": probed}), seen.resource)


async def _reject(reason: str, message: str, seen: Snapshot, cluster: Cluster) -> None:
    """Put on record that the candidate is left alone, and say so."""
    candidate = seen.status.candidate
    await cluster.write(rejecting(seen, reason, message), seen.resource)
    if candidate is not None:
        await cluster.tell("Warning", "Rejected", f"{candidate.pair or candidate.versions}: {reason}. {message}")


async def _retire(action: Retire, cluster: Cluster) -> None:
    """Make sure that nobody can point at it any more, then remove it part by part.

    It is on record as going. A front written to now was not written since it was read without a word of this rollout;
    who reads it from here on reads the record after it, and who read it before can write it no more.
    """
    for front in action.fronts:
        if front.version is not None:
            await cluster.fence(front)
    for part in action.rollout.parts:
        if not part.deleting:
            await cluster.delete(part)
    await cluster.tell("Normal", "Retired", f"{action.rollout.name} is removed.")
