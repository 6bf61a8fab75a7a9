"""KubeCluster: one release in a real cluster, as the controller asks for it.

Everything is found by labels and names, nothing is kept between two looks but the template of the look under way.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from twinpin.pair.pin import Pin
from twinpin.rollout.cluster import Conflict
from twinpin.rollout.kube_api import ClusterFault, KubeApi, NoSuchKind, Object
from twinpin.rollout.kube_events import KubeEvents
from twinpin.rollout.kube_front import GraphFront, reference
from twinpin.rollout.kube_gateway import GatewayFront
from twinpin.rollout.kube_records import KubeRecords
from twinpin.rollout.probing import Prober
from twinpin.rollout.readiness import readiness, wanted_pods
from twinpin.rollout.resource import GROUP, KIND, VERSION, Count, Resource, Status
from twinpin.rollout.scrape import scrape, service_of, way_to_pods
from twinpin.rollout.snapshot import Front, Part, Rollout, Route, Sender
from twinpin.rollout.template import DIGEST, ROLLOUT_LABEL, Template

API = f"{GROUP}/{VERSION}"
RETRY = f"{GROUP}/retry"
ABORT = f"{GROUP}/abort"
PROMOTE = f"{GROUP}/promote"
SERVICE = "InferenceService"
#: Helm installs definitions and never upgrades them; the API server drops fields that it does not know.
OLD_DEFINITION = (
    f"The cluster drops fields of the status of {KIND}: its definition is of another version than this controller. "
    "Run `kubectl apply --server-side --force-conflicts -f crds/` in the folder of the chart."
)


class KubeCluster:
    """The objects of the release *name*: PairedGraph, template, Pins, InferenceServices and fronts."""

    def __init__(self, api: KubeApi, name: str, prober: Prober) -> None:
        self._api = api
        self._name = name
        self._prober = prober
        self._graph = GraphFront(api, name)
        self._gateway = GatewayFront(api, f"{name}-gateway")
        self._events = KubeEvents(api, name)
        self._records = KubeRecords(api, name)
        self._template = Template("", "")
        self._owner: Object = {}
        self._kinds: tuple[str, ...] = ()

    async def fronts(self) -> tuple[Front, ...]:
        """Read the InferenceGraph and the gateway's own graph, where they are.

        The template goes before them, since it tells what their addresses mean.
        """
        self._template = await self._read_template()
        graph = await self._graph.read(self._template)
        found = [graph] if self._template.makes_graph or graph.version is not None else []
        if self._template.direct:
            found.append(await self._gateway.read(self._template.own))
        return tuple(found)

    async def senders(self) -> tuple[Sender, ...]:
        """Read routers and gateways and what makes them, whatever the mode: pods of another one may still be there."""
        own = self._template.own if self._template.direct else self._template
        both = await asyncio.gather(self._graph.senders(self._template), self._gateway.senders(own))
        return tuple(sender for each in both for sender in each)

    async def resource(self) -> Resource:
        """Read the PairedGraph."""
        found = await self._api.get(API, KIND, self._name)
        if found is None:
            raise ClusterFault(
                f"There is no {KIND} {self._name} in namespace {self._api.namespace}: install the chart."
            )
        metadata = found["metadata"]
        self._owner = reference(self._name, metadata["uid"])
        self._kinds = tuple(found.get("status", {}).get("kinds", ()))
        annotations = metadata.get("annotations", {})
        return Resource(
            version=metadata["resourceVersion"],
            uid=metadata["uid"],
            spec=found.get("spec", {}),
            status=found.get("status", {}),
            retry=annotations.get(RETRY, ""),
            abort=annotations.get(ABORT, ""),
            promote=annotations.get(PROMOTE, ""),
        )

    async def template(self) -> Template:
        """Return the template of this look."""
        return self._template

    async def rollouts(self) -> Mapping[str, Rollout]:
        """Read every object that carries the label of a rollout and is of this release, and judge their pods."""
        listed = [each for kind in self._all_kinds() for each in await self._list(kind)]
        maps = await self._api.list("v1", "ConfigMap", ROLLOUT_LABEL)
        deployments = await self._api.list("apps/v1", "Deployment", ROLLOUT_LABEL)
        pods = await self._api.list("v1", "Pod", ROLLOUT_LABEL)
        mine = [each for each in listed if self._ours(each)]
        maps = [each for each in maps if each["metadata"]["name"] in self._records.names(_label(each))]
        names = sorted({_label(each) for each in (*mine, *maps)})
        return {name: self._rollout(name, mine, maps, deployments, pods) for name in names}

    def _all_kinds(self) -> list[str]:
        """List the kinds of the template, and of those before it."""
        return sorted({*self._template.kinds, *self._kinds})

    async def _list(self, kind: str) -> list[Object]:
        """List the objects of rollouts of one kind, as `apiVersion kind`."""
        api, _, word = kind.partition(" ")
        try:
            return await self._api.list(api, word, ROLLOUT_LABEL)
        except NoSuchKind:
            if kind in self._template.kinds:
                raise
            return []

    async def figures(self, rollouts: Collection[str]) -> tuple[Count, ...]:
        """Ask the pods of some rollouts of this release: another may have rolled out the same pair beside it."""
        names = {name for each in rollouts for kind, name in self._template.digests(each) if kind == SERVICE}
        pods = await self._api.list("v1", "Pod", f"{ROLLOUT_LABEL} in ({','.join(sorted(rollouts))})")
        return await scrape([each for each in pods if service_of(each) in names], way_to_pods(self._api))

    def name_rollout(self, pair: str) -> str:
        """Name the rollout of a pair, after the pair where KServe has room for the names that come of it."""
        return self._template.name_rollout(pair, self._api.namespace)

    async def create_pin(self, pin: Pin) -> Pin:
        """Create the immutable ConfigMap of a rollout, or read the one that is there."""
        return await self._records.create_pin(pin, self._owner)

    async def create_example(self, rollout: str, example: str) -> None:
        """Create the ConfigMap with the example, unless there is one."""
        await self._records.create_example(rollout, example, self._owner)

    async def apply(self, document: Mapping[str, Any]) -> None:
        """Apply one object, owned by the PairedGraph."""
        metadata = {**document["metadata"], "ownerReferences": [self._owner]}
        await self._api.apply({**document, "metadata": metadata})

    async def scale(self, deployment: str, replicas: int) -> None:
        """Change the Deployment that KServe made: it leaves the number to autoscalers."""
        await self._api.scale("apps/v1", "Deployment", deployment, replicas)

    async def probe(self, rollout: Rollout) -> str | None:
        """Send the recorded example through both steps."""
        if rollout.pin is None:
            raise Conflict(rollout.name)
        example = await self._records.example(rollout.name)
        return await self._prober.ask(rollout, self._template.document(rollout.name), example)

    async def point(self, front: Front, route: Route) -> None:
        """Write the graph, or that of the gateway."""
        if front.name == self._gateway.name:
            await self._gateway.point(front, route, self._template.own)
        else:
            await self._graph.point(front, route, self._template, self._owner)

    async def fence(self, front: Front) -> None:
        """Give the graph, or the gateway, a new version."""
        if front.name == self._gateway.name:
            await self._gateway.fence(front)
        else:
            await self._graph.fence(front, self._owner)

    async def delete(self, part: Part) -> None:
        """Remove one object by its uid."""
        apis = {word: api for api, _, word in (each.partition(" ") for each in self._all_kinds())}
        await self._api.delete(apis.get(part.kind, "v1"), part.kind, part.name, part.uid)

    async def write(self, status: Status, resource: Resource) -> None:
        """Write the status, of the version that was read alone."""
        document = status.model_dump(mode="json", by_alias=True)
        change = {"metadata": {"resourceVersion": resource.version}, "status": _cleared(resource.status, document)}
        stored = await self._api.merge(API, KIND, self._name, change, status=True)
        if Status.model_validate((stored or {}).get("status", {})) != status:
            raise ClusterFault(OLD_DEFINITION)

    async def tell(self, kind: str, reason: str, message: str) -> None:
        """Write an Event on the PairedGraph."""
        await self._events.tell(self._owner.get("uid", ""), kind, reason, message)

    async def _read_template(self) -> Template:
        """Read the template's ConfigMap."""
        name = f"{self._name}-template"
        found = await self._api.get("v1", "ConfigMap", name)
        if found is None:
            raise ClusterFault(f"There is no ConfigMap {name} in namespace {self._api.namespace}: install the chart.")
        return Template.parse(found.get("data", {}))

    def _ours(self, found: Object) -> bool:
        """Whether an object belongs to this release: the template names it so, or the PairedGraph owns it."""
        metadata = found["metadata"]
        owned = any(each["uid"] == self._owner.get("uid") for each in metadata.get("ownerReferences", []))
        return owned or (found["kind"], metadata["name"]) in self._template.digests(_label(found))

    def _rollout(
        self, name: str, listed: Iterable[Object], maps: Iterable[Object], deployments: list[Object], pods: list[Object]
    ) -> Rollout:
        """Put one rollout together."""
        objects = [each for each in listed if _label(each) == name]
        records = [each for each in maps if _label(each) == name]
        services = [each for each in objects if each["kind"] == SERVICE]
        verdicts = [readiness(each, deployments, pods) for each in services]
        wanted = sum(kind == SERVICE for kind, _ in self._template.digests(name))
        whole = len(services) >= wanted > 0
        return Rollout(
            name=name,
            pin=self._records.pin(name, records),
            parts=tuple(_part(each) for each in (*objects, *records)),
            ready=whole and all(each.ready for each in verdicts),
            serving=whole and all(each.serving for each in verdicts),
            message=" ".join(each.message for each in verdicts if each.message),
            fault=next((each.fault for each in verdicts if each.fault), None),
            replicas=wanted_pods(services, deployments, name),
        )


def _cleared(before: Status, document: Object) -> Object:
    """Let a merge forget what a map had before; lists and single values are replaced anyway."""
    gone = dict.fromkeys(set(before.generations) - set(document["generations"]))
    return {**document, "generations": {**gone, **document["generations"]}}


def _label(found: Object) -> str:
    """The rollout that an object is of."""
    return str(found["metadata"].get("labels", {}).get(ROLLOUT_LABEL, ""))


def _part(found: Object) -> Part:
    """Take what the controller needs of an object."""
    metadata = found["metadata"]
    return Part(
        kind=found["kind"],
        name=metadata["name"],
        uid=metadata["uid"],
        digest=metadata.get("annotations", {}).get(DIGEST, ""),
        deleting="deletionTimestamp" in metadata,
    )
