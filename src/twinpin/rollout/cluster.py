"""Cluster: what the controller asks of Kubernetes and of the registry, one call a method.

Every method of Cluster is at most one write; whatever happens between two of them, the next look mends it.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, Protocol

from twinpin.pair.pin import Pin
from twinpin.pair.version import Versions
from twinpin.rollout.resource import Count, Resource, Status
from twinpin.rollout.snapshot import Aliased, Front, NoPair, Part, Rollout, Route, Sender
from twinpin.rollout.template import Template


class Conflict(Exception):
    """What a write was made against is not there any more: look again."""


class Unanswered(Exception):
    """A probe got no answer that says anything of the pair: try again."""


class Pinned(NamedTuple):
    """A Pin, and the example to probe its pair with where it has one."""

    pin: Pin
    example: str | None = None


class Cluster(Protocol):
    """The objects of one release. Reads come in the order of a look; writes guard themselves or are first-wins."""

    async def fronts(self) -> tuple[Front, ...]:
        """Read what says where requests go."""
        ...

    async def senders(self) -> tuple[Sender, ...]:
        """Read what may send by a graph that it holds, from what makes pods down to pods that are ending."""
        ...

    async def resource(self) -> Resource:
        """Read the PairedGraph."""
        ...

    async def template(self) -> Template:
        """Read the template."""
        ...

    async def rollouts(self) -> Mapping[str, Rollout]:
        """Read every rollout of which anything is left."""
        ...

    async def figures(self, rollouts: Collection[str]) -> tuple[Count, ...]:
        """Read what the pods of some rollouts have counted; one that does not answer in time is counted as silent."""
        ...

    def name_rollout(self, pair: str) -> str:
        """Name the rollout of a pair, after the pair where there is room."""
        ...

    async def create_pin(self, pin: Pin) -> Pin:
        """Record a Pin unless its rollout has one, and return the one that holds."""
        ...

    async def create_example(self, rollout: str, example: str) -> None:
        """Keep the example of a rollout beside its Pin, unless there is one."""
        ...

    async def apply(self, document: Mapping[str, Any]) -> None:
        """Make one object what its document says."""
        ...

    async def scale(self, deployment: str, replicas: int) -> None:
        """Say how many pods a Deployment should have."""
        ...

    async def probe(self, rollout: Rollout) -> str | None:
        """Ask for the recorded forecast: None when it is right, else what is wrong; Unanswered when there is none."""
        ...

    async def point(self, front: Front, route: Route) -> None:
        """Write where a front sends, in one write; Conflict unless it is as it was read."""
        ...

    async def fence(self, front: Front) -> None:
        """Make every older read of a front useless for a write, and change nothing else; Conflict likewise."""
        ...

    async def delete(self, part: Part) -> None:
        """Remove one object, unless it is gone or another has taken its name."""
        ...

    async def write(self, status: Status, resource: Resource) -> None:
        """Write the record; Conflict unless the resource is as it was read."""
        ...

    async def tell(self, kind: str, reason: str, message: str) -> None:
        """Leave an event where `kubectl describe` shows it: of the kind Normal or Warning."""
        ...


class Pairs(Protocol):
    """The registry, as the controller sees it."""

    async def alias(self) -> Aliased | NoPair:
        """Read what the alias names."""
        ...

    async def pin(self, versions: Versions) -> Pinned:
        """Download, check and hash two versions, and make their Pin; raises PairError."""
        ...
