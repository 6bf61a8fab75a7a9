"""Telling: what a write of a front means to people, in the words of an event."""

from typing import Literal, NamedTuple

from twinpin.rollout.actions import Switch
from twinpin.rollout.snapshot import Front, Route


class Told(NamedTuple):
    """One event: its kind, its reason in a word, and a sentence."""

    kind: Literal["Normal", "Warning"]
    reason: str
    message: str


#: Reasons of events that tell of a front.
SWITCHES = (
    "Switched",
    "CanaryStarted",
    "CanaryChanged",
    "CanaryPromoted",
    "CanaryEnded",
    "PutBack",
    "Updated",
)


def of_switch(switch: Switch) -> Told:
    """Say what a write of a front was for."""
    front, route = switch.front, switch.route
    where = f"{front.name} sends to {route.label}"
    if front.edited:
        return Told("Warning", "PutBack", f"{front.name} was written by somebody else: {where} again.")
    if front.route == route:
        return Told("Normal", "Updated", f"{where} as before, the way the template says now.")
    return _moved(front, front.route, route)


def _moved(front: Front, before: Route | None, route: Route) -> Told:
    """Tell of requests that go elsewhere."""
    old = before.canary if before else None
    if route.canary and route.canary != old:
        share = f"{route.percent} of 100 requests"
        return Told(
            "Normal", "CanaryStarted", f"{front.name} sends {share} to {route.canary}, the rest to {route.stable}."
        )
    if route.canary:
        return Told("Normal", "CanaryChanged", f"{front.name} sends {route.percent} of 100 requests to {route.canary}.")
    if old == route.stable:
        return Told("Normal", "CanaryPromoted", f"{front.name} sends every request to {route.stable}.")
    if old:
        return Told("Normal", "CanaryEnded", f"{front.name} sends nothing to {old} any more, all to {route.stable}.")
    return Told("Normal", "Switched", f"{front.name} sends to {route.label}.")
