"""Figures: one look at a release as Prometheus reads it; every label has few values, whatever the registry holds."""

import datetime as dt
from collections import Counter

from prometheus_client.core import GaugeMetricFamily

from twinpin.rollout.conditions import PHASES, UNREACHED
from twinpin.rollout.snapshot import Aliased, NoPair, Snapshot, versions_of

#: Name without its prefix -> what it is, and its labels.
FAMILIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "registry_reachable": ("1 while the registry answers.", ()),
    "rollout_alias_lag_seconds": (
        "Time for which the alias has named a pair that gets no request.",
        (),
    ),
    "rollout_canary_percent": ("Share of the requests that the candidate gets, of 100.", ()),
    "rollout_condition": ("1 where a condition of the PairedGraph is true, 0 where it is false.", ("type",)),
    "rollout_pair_info": (
        "1 for each pair that serves, comes or is kept.",
        ("role", "pair", "rollout", "preprocessor_version", "model_version"),
    ),
    "rollout_phase": ("1 for the phase of the PairedGraph, 0 for every other.", ("phase",)),
    "rollout_rejected_pairs": ("Pairs that are left alone now.", ("reason",)),
    "rollout_since_timestamp_seconds": ("Time since when a pair has been in its role.", ("role",)),
}

Families = dict[str, GaugeMetricFamily]


def families() -> Families:
    """Make them all, empty."""
    return {
        name: GaugeMetricFamily(f"twinpin_{name}", sentence, labels=labels)
        for name, (sentence, labels) in FAMILIES.items()
    }


def figures(seen: Snapshot, now: dt.datetime) -> list[GaugeMetricFamily]:
    """Fill them with what was seen."""
    made = families()
    made["registry_reachable"].add_metric([], float(_reachable(seen)))
    made["rollout_alias_lag_seconds"].add_metric([], lag(seen, now))
    made["rollout_canary_percent"].add_metric([], seen.status.percent)
    for each in seen.status.conditions:
        if each.status != "Unknown":
            made["rollout_condition"].add_metric([each.type], float(each.status == "True"))
    for phase in PHASES:
        made["rollout_phase"].add_metric([phase], float(seen.status.phase == phase))
    for reason, number in Counter(each.reason for each in seen.status.rejected if each.active).items():
        made["rollout_rejected_pairs"].add_metric([reason], number)
    _show_pairs(seen, made)
    return list(made.values())


def lag(seen: Snapshot, now: dt.datetime) -> float:
    """Measure how long the alias has named a pair that gets no request; what nobody can read names none."""
    since = _behind_since(seen)
    return max(0.0, (now - since).total_seconds()) if since else 0.0


def _behind_since(seen: Snapshot) -> dt.datetime | None:
    """Say since when what the alias names has been on its way, or was left alone; None: it serves."""
    status, alias = seen.status, seen.alias
    if isinstance(alias, NoPair):
        candidate = status.candidate
        return candidate.since if candidate and not status.percent else None
    if any(_is(seen, name, alias) for name in _routed(seen)):
        return None
    if status.candidate and status.candidate.versions == alias.versions.label:
        return status.candidate.since
    rejection = status.rejection(alias.versions.label)
    begun = [each.start for each in status.history if rejection and each.pair == rejection.pair]
    return max(begun, default=rejection.at if rejection else None)


def _routed(seen: Snapshot) -> set[str]:
    """Name the rollouts that get requests; where no front can be read, the one that did."""
    stable = {seen.status.stable.rollout} if seen.status.stable else set[str]()
    return set().union(*(front.route.rollouts for front in seen.fronts if front.route)) or stable


def _is(seen: Snapshot, name: str, alias: Aliased) -> bool:
    """Whether a rollout is of the pair that the alias names."""
    rollout = seen.rollouts.get(name)
    return rollout is not None and rollout.pin is not None and versions_of(rollout.pin) == alias.versions


def _reachable(seen: Snapshot) -> bool:
    """Whether the registry answered."""
    return isinstance(seen.alias, Aliased) or seen.alias.reason not in UNREACHED


def _show_pairs(seen: Snapshot, made: Families) -> None:
    """Name the pairs by their roles, and since when they have them."""
    status = seen.status
    roles = [("kept", name) for name in status.kept]
    roles += [("stable", status.stable.rollout)] if status.stable else []
    roles += [("candidate", status.candidate.rollout)] if status.candidate and status.candidate.rollout else []
    for role, name in roles:
        if (found := seen.rollouts.get(name)) and found.pin:
            made["rollout_pair_info"].add_metric([role, found.pin.id, name, *map(str, versions_of(found.pin))], 1.0)
    for role, held in (("stable", status.stable), ("candidate", status.candidate)):
        if held:
            made["rollout_since_timestamp_seconds"].add_metric([role], held.since.timestamp())
