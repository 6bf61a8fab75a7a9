"""The InferenceGraph as a front; the routers of KServe hold copies of it.

KServe copies annotations of the graph to its routers, so one that changes alone restarts them all; a fence therefore
touches an ownerReference, which nothing is made from.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from twinpin.graph.document import API_VERSION
from twinpin.rollout.cluster import Conflict
from twinpin.rollout.kube_api import KubeApi, NoSuchKind, Object
from twinpin.rollout.kube_senders import read_senders
from twinpin.rollout.resource import GROUP, KIND, VERSION
from twinpin.rollout.routes import ROUTE, WRITTEN, mentions, parse_route, plain, render
from twinpin.rollout.snapshot import Front, Route, Sender
from twinpin.rollout.template import Template

GRAPH = "InferenceGraph"


@dataclass(frozen=True, slots=True)
class GraphFront:
    """The InferenceGraph of one release."""

    api: KubeApi
    name: str

    async def read(self, template: Template) -> Front:
        """Read where it sends."""
        try:
            found = await self.api.get(API_VERSION, GRAPH, self.name)
        except NoSuchKind:
            if template.makes_graph:
                raise
            found = None
        return Front(self.name) if found is None else read_front(self.name, found, template)

    async def senders(self, template: Template) -> tuple[Sender, ...]:
        """Read the routers, each with the graph that stands in its arguments."""
        return await read_senders(self.api, self.name, lambda pod: mentions(template, _arguments(pod)))

    async def point(self, front: Front, route: Route, template: Template, owner: Object) -> None:
        """Write it, unless it is not as it was read."""
        wanted = written(template, route, owner)
        if front.version is None:
            if await self.api.create(wanted) is None:
                raise Conflict(self.name)
            return
        found = await self._as_read(front)
        metadata = found["metadata"]
        for word in ("labels", "annotations"):
            metadata[word] = {**metadata.get(word, {}), **wanted["metadata"].get(word, {})}
        metadata["ownerReferences"] = _owned(metadata, owner)
        await self.api.replace({**found, "spec": wanted["spec"]})

    async def fence(self, front: Front, owner: Object) -> None:
        """Give it a new version and leave all else as it is."""
        found = await self._as_read(front)
        references = _owned(found["metadata"], owner)
        mine = next(each for each in references if each["uid"] == owner["uid"])
        mine["blockOwnerDeletion"] = not mine.get("blockOwnerDeletion", False)
        found["metadata"]["ownerReferences"] = references
        await self.api.replace(found)

    async def _as_read(self, front: Front) -> Object:
        """Read it once more, whole; a write of what is returned fails where it changes after this."""
        found = await self.api.get(API_VERSION, GRAPH, self.name)
        if found is None or found["metadata"]["resourceVersion"] != front.version:
            raise Conflict(self.name)
        return found


def read_front(name: str, found: Object, template: Template) -> Front:
    """Take from a graph where it sends, and whether it is as we wrote it."""
    metadata, nodes = found["metadata"], found["spec"]["nodes"]
    annotations = metadata.get("annotations", {})
    named = mentions(template, json.dumps(nodes))
    route = parse_route(annotations.get(ROUTE, ""))
    if route is None and len(named) == 1:  # the chart's, before there was a controller
        route = Route(next(iter(named)))
    edited = WRITTEN in annotations and annotations[WRITTEN] != digest(nodes)
    edited = edited or (route is not None and route.rollouts != named)
    return Front(
        name=name,
        route=None if edited else route,
        mentions=named,
        edited=edited,
        current=route is not None and digest(render(template, route)["spec"]["nodes"]) == digest(nodes),
        version=metadata["resourceVersion"],
        generation=metadata.get("generation", 0),
    )


def written(template: Template, route: Route, owner: Object) -> Object:
    """Make the graph of a route, with what tells later that it is as we wrote it."""
    document = render(template, route)
    metadata = dict(document["metadata"])
    marks = {ROUTE: route.label, WRITTEN: digest(document["spec"]["nodes"])}
    metadata["annotations"] = {**metadata.get("annotations", {}), **marks}
    metadata["ownerReferences"] = _owned(metadata, owner)
    return {"apiVersion": API_VERSION, "kind": GRAPH, "metadata": metadata, "spec": document["spec"]}


def digest(nodes: Any) -> str:
    """Take a short digest of nodes, whatever defaults are written out in them."""
    return hashlib.sha256(json.dumps(plain(nodes), sort_keys=True).encode()).hexdigest()[:12]


def reference(name: str, uid: str) -> Object:
    """Make the ownerReference to a PairedGraph."""
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "name": name, "uid": uid, "blockOwnerDeletion": False}


def _owned(metadata: Object, owner: Object) -> list[Object]:
    """List the owners with ours among them, and none that had its name before."""
    others = [each for each in metadata.get("ownerReferences", []) if each["kind"] != KIND]
    mine = [each for each in metadata.get("ownerReferences", []) if each["uid"] == owner["uid"]]
    return [*others, *(mine or [dict(owner)])]


def _arguments(pod: Object) -> str:
    """Join the arguments of all containers of a pod, or of a template of pods."""
    return " ".join(each for container in pod["spec"]["containers"] for each in container.get("args", []))
