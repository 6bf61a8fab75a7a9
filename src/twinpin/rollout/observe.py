"""Observe: one look at everything, in the order that makes it safe to act on.

Fronts come first: a later write of one fails unless it is still as it was here, so whatever is read after it is at
least as new. Then what holds copies of a front, from the Deployment down to its pods, then the record, then the rest.
"""

import datetime as dt
from collections.abc import Callable

from twinpin.rollout.cluster import Cluster, Pairs
from twinpin.rollout.judging import watched
from twinpin.rollout.snapshot import Snapshot


async def observe(cluster: Cluster, pairs: Pairs, clock: Callable[[], dt.datetime]) -> Snapshot:
    """Read everything that a decision needs.

    The time is taken last: with an earlier one a rollout would seem unused since before anybody saw that it was.
    """
    fronts = await cluster.fronts()
    senders = await cluster.senders()
    resource = await cluster.resource()
    template = await cluster.template()
    rollouts = await cluster.rollouts()
    names = watched(resource)
    figures = await cluster.figures(names) if names else None
    alias = await pairs.alias()
    return Snapshot(
        now=clock(),
        fronts=fronts,
        senders=senders,
        resource=resource,
        template=template,
        rollouts=rollouts,
        figures=figures,
        alias=alias,
    )
