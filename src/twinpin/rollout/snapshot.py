"""Snapshot: everything that one decision rests on, read once and never changed."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from twinpin.pair.pin import Pin
from twinpin.pair.version import Versions
from twinpin.rollout.resource import Count, Resource, Spec, Status
from twinpin.rollout.template import Floors, Template

#: Kinds that requests meet: a router with the graph before may lead there, so they go with their rollout alone.
MET = frozenset({"InferenceService", "Service"})


@dataclass(frozen=True, slots=True)
class Aliased:
    """A pair behind the alias: two versions that belong together."""

    versions: Versions
    #: Who moved it here, and by which command, where one of Twinpin did.
    moved_by: str | None = None
    verb: str | None = None


@dataclass(frozen=True, slots=True)
class NoPair:
    """Why the alias names no pair at the moment."""

    #: Name of the error, such as HalfMoved or Unreachable.
    reason: str
    message: str
    #: Whether it is gone for good as far as one can tell; else it may come back by itself.
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One object of a rollout in the cluster."""

    kind: str
    name: str
    uid: str
    #: Digest of the document that it was applied from; empty where it came otherwise.
    digest: str = ""
    deleting: bool = False


@dataclass(frozen=True, slots=True)
class Rollout:
    """One generation of preprocess and predict, as it stands in the cluster."""

    name: str
    pin: Pin | None = None
    #: Every object of it in the order of removal: what records its pair comes last.
    parts: tuple[Part, ...] = ()
    #: Every replica wanted is there, updated and available.
    ready: bool = False
    #: Every step has at least one replica that answers.
    serving: bool = False
    #: Why it is not ready.
    message: str = ""
    #: Why it never will be, as its pods say.
    fault: str | None = None
    #: Pods that each Deployment of it should have now, by its name with @ROLLOUT@ for the rollout's.
    replicas: Mapping[str, int] = field(default_factory=dict)

    @property
    def deleting(self) -> bool:
        """Whether a part of it is on its way out."""
        return any(part.deleting for part in self.parts)

    def current(self, template: Template, floors: Floors = ()) -> bool:
        """Whether every object of the template is there as the template has it now."""
        there = {(part.kind, part.name): part.digest for part in self.parts if not part.deleting}
        return all(there.get(key) == digest for key, digest in template.digests(self.name, floors).items())

    def dropped(self, template: Template) -> Iterator[Part]:
        """List what the template has no more and no request meets, such as an autoscaler that was switched off."""
        there = template.digests(self.name)
        for part in self.parts:
            if part.digest and part.kind not in MET and (part.kind, part.name) not in there and not part.deleting:
                yield part


@dataclass(frozen=True, slots=True)
class Route:
    """Where requests go: to one rollout, or to two by percent."""

    stable: str
    canary: str | None = None
    percent: int = 0

    @property
    def rollouts(self) -> frozenset[str]:
        """The rollouts that get requests."""
        return frozenset({self.stable, self.canary} - {None})  # type: ignore[arg-type]

    @property
    def label(self) -> str:
        """The route in one word, as it is written on what it was made for: `r1`, or `r1=90,r2=10`."""
        return f"{self.stable}={100 - self.percent},{self.canary}={self.percent}" if self.canary else self.stable


@dataclass(frozen=True, slots=True)
class Front:
    """An object that says where requests go: the InferenceGraph, or the gateway's own graph."""

    name: str
    #: Where it sends; None where that is none of our routes.
    route: Route | None = None
    #: Every rollout that its text names, whatever the rest of it says.
    mentions: frozenset[str] = frozenset()
    #: Whether somebody else wrote it last.
    edited: bool = False
    #: Whether it is what the template makes of its route today.
    current: bool = True
    #: What a write has to be made against; None: it is not there.
    version: str | None = None
    generation: int = 0

    def follows(self, route: Route) -> bool:
        """Whether it sends exactly there, as we would write it."""
        return self.version is not None and self.route == route and self.current and not self.edited


@dataclass(frozen=True, slots=True)
class Sender:
    """Something alive that may send to rollouts, now or when it starts: a pod, or what makes pods."""

    name: str
    mentions: frozenset[str]
    #: Label of the route that it was made for; empty where it says none.
    route: str = ""
    #: Name of the front that it takes requests for, where it does so now: a pod that is ready and is not ending.
    answers_for: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was seen, in the order in which it was read: fronts first, the record after them, then the rest."""

    now: dt.datetime
    fronts: tuple[Front, ...]
    senders: tuple[Sender, ...]
    resource: Resource
    alias: Aliased | NoPair
    rollouts: Mapping[str, Rollout]
    template: Template
    #: What the pods of both chains have counted so far, while a canary is judged.
    figures: tuple[Count, ...] | None = None
    #: Rollouts that something still sends to or may send to.
    mentioned: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        mentions = [each.mentions for each in self.fronts] + [each.mentions for each in self.senders]
        object.__setattr__(self, "mentioned", frozenset[str]().union(*mentions))

    @property
    def spec(self) -> Spec:
        """What a person wants."""
        return self.resource.spec

    @property
    def status(self) -> Status:
        """What is on record."""
        return self.resource.status

    def pinned(self, versions: Versions) -> Rollout | None:
        """Find the rollout of two versions: the one that serves, else the candidate, else the newest."""
        first = [each.rollout for each in (self.status.stable, self.status.candidate) if each]
        found = [each for each in self.rollouts.values() if each.pin and versions_of(each.pin) == versions]
        return max(
            found,
            key=lambda each: (-first.index(each.name) if each.name in first else -9, each.pin and each.pin.created),
            default=None,
        )


def versions_of(pin: Pin) -> Versions:
    """Take the two version numbers of a Pin."""
    return Versions(pin.preprocessor.version, pin.model.version)
