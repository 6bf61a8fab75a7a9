"""Floors: a pair that takes over the load of another one begins with as many pods as that one has.

Its own autoscalers know no load yet and would give it the least. So their least is raised before it comes live, and
lowered again when they have seen its load for as long as they look back: any sooner, and they would remove pods for
having been idle before.
"""

import datetime as dt

from twinpin.rollout.resource import Floor, Serving, Status
from twinpin.rollout.snapshot import Rollout, Snapshot
from twinpin.rollout.template import Floors

#: What metrics lag behind the load, in which autoscalers judge it too low.
LAG = dt.timedelta(seconds=60)


def floors_for_candidate(seen: Snapshot, status: Status) -> tuple[Floor, ...]:
    """List where the rollout that serves has more pods than the template's least."""
    stable = seen.rollouts.get(status.stable.rollout) if status.stable else None
    if stable is None:
        return ()
    found = {
        workload: min(stable.replicas.get(workload, 0), most)
        for workload, (least, most) in sorted(seen.template.scaled.items())
        if stable.replicas.get(workload, 0) > least
    }
    return tuple(Floor(workload=workload, replicas=replicas) for workload, replicas in found.items())


def settled(seen: Snapshot, serving: Serving) -> Serving:
    """Leave a rollout to its autoscalers once they know its load."""
    over = serving.since + dt.timedelta(seconds=seen.template.hindsight) + LAG
    return serving.model_copy(update={"floors": ()}) if serving.floors and seen.now >= over else serving


def floors_of(status: Status, rollout: str) -> Floors:
    """The floors of a rollout as the template takes them."""
    for each in (status.candidate, status.stable):
        if each is not None and each.rollout == rollout:
            return tuple((floor.workload, floor.replicas) for floor in each.floors)
    return ()


def short_of(seen: Snapshot, rollout: Rollout) -> tuple[str, int] | None:
    """Find a Deployment that should have more pods than it was told so far, and how many."""
    floors = dict(floors_of(seen.status, rollout.name))
    for workload, (least, _) in sorted(seen.template.scaled.items()):
        wanted = max(least, floors.get(workload, 0))
        if rollout.replicas.get(workload, wanted) < wanted:
            return workload, wanted
    return None
