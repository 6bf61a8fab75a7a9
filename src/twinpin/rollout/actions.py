"""Actions: the one thing to do next, or what is waited for."""

import datetime as dt
from dataclasses import dataclass

from twinpin.pair.version import Versions
from twinpin.rollout.resource import Status
from twinpin.rollout.snapshot import Front, Part, Rollout, Route


@dataclass(frozen=True, slots=True)
class MakePin:
    """Download and hash the pair behind the alias, and record what it is."""

    versions: Versions


@dataclass(frozen=True, slots=True)
class Apply:
    """Make the objects of a rollout what the template says."""

    rollout: str


@dataclass(frozen=True, slots=True)
class Drop:
    """Remove an object of a rollout that the template has no more."""

    part: Part


@dataclass(frozen=True, slots=True)
class Scale:
    """Give a Deployment of a rollout more pods at once, where its autoscaler would only find out in a while."""

    rollout: str
    #: Its name, with @ROLLOUT@ where the rollout's id goes.
    workload: str
    replicas: int


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask a rollout for the forecast that its pair recorded."""

    rollout: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Leave the candidate alone from now on."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Switch:
    """Write one front, once, against the version that was read."""

    front: Front
    route: Route


@dataclass(frozen=True, slots=True)
class Retire:
    """Remove a rollout that nothing sends to, after a write to every front that fails where one was written since."""

    rollout: Rollout
    fronts: tuple[Front, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """Write the record."""

    status: Status


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do until something changes, or until a time."""

    reason: str
    message: str
    until: dt.datetime | None = None


Action = MakePin | Apply | Drop | Probe | Reject | Scale | Switch | Retire | Record
Step = Action | Wait
