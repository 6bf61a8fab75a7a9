"""The gateway's Deployment as a front: each of its pods runs the one graph that it was started with.

The graph is an annotation of the pod template, which the pods read as a file. The chart makes the Deployment and says
nothing of the annotation, so an upgrade leaves it as it is, and one that takes it away makes pods that never get ready.
"""

import hashlib
from dataclasses import dataclass

import yaml

from twinpin.rollout.kube_api import ClusterFault, KubeApi, Object
from twinpin.rollout.kube_senders import read_senders
from twinpin.rollout.resource import GROUP
from twinpin.rollout.routes import ROUTE, WRITTEN, mentions, parse_route, render
from twinpin.rollout.snapshot import Front, Route, Sender
from twinpin.rollout.template import Template

API, KIND = "apps/v1", "Deployment"
#: Annotation of the pod template with the graph that its pods run.
DOCUMENT = f"{GROUP}/document"
#: Annotation of the Deployment by which it gets another version and nothing else; its pods never see it.
FENCE = f"{GROUP}/fence"


@dataclass(frozen=True, slots=True)
class GatewayFront:
    """The Deployment of one release's gateway."""

    api: KubeApi
    name: str

    async def read(self, template: Template) -> Front:
        """Read where pods that it makes now send."""
        found = await self.api.get(API, KIND, self.name)
        return Front(self.name) if found is None else read_gateway(self.name, found, template)

    async def senders(self, template: Template) -> tuple[Sender, ...]:
        """Read the gateways, each with the graph that it runs, where it runs one."""
        return await read_senders(self.api, self.name, lambda pod: mentions(template, _run_by(pod)))

    async def point(self, front: Front, route: Route, template: Template) -> None:
        """Let it make pods with another graph, unless it is not as it was read."""
        text = document(template, route)
        marks = {ROUTE: route.label, WRITTEN: digest(text)}
        held = {ROUTE: route.label, DOCUMENT: text}
        await self._change(front, marks, {"spec": {"template": {"metadata": {"annotations": held}}}})

    async def fence(self, front: Front) -> None:
        """Give it a new version and leave all else as it is."""
        await self._change(front, {FENCE: str(front.version)}, {})

    async def _change(self, front: Front, annotations: Object, change: Object) -> None:
        """Write, against the version that was read."""
        if front.version is None:
            raise ClusterFault(f"There is no Deployment {self.name}: `helm upgrade` makes it again.")
        metadata = {"resourceVersion": front.version, "annotations": annotations}
        await self.api.merge(API, KIND, self.name, {"metadata": metadata, **change})


def read_gateway(name: str, found: Object, template: Template) -> Front:
    """Take from a Deployment where its pods send, and whether it is as we wrote it."""
    metadata, text = found["metadata"], _annotations(found["spec"]["template"]).get(DOCUMENT, "")
    marks = _annotations(found)
    named = mentions(template, text)
    route = parse_route(marks.get(ROUTE, "")) if text else None
    edited = bool(text) and marks.get(WRITTEN, "") != digest(text)
    edited = edited or (route is not None and route.rollouts != named)
    return Front(
        name=name,
        route=None if edited else route,
        mentions=named,
        edited=edited,
        current=route is not None and text == document(template, route),
        version=metadata["resourceVersion"],
        generation=metadata.get("generation", 0),
    )


def document(template: Template, route: Route) -> str:
    """Write the graph of a route as its pods read it."""
    return yaml.safe_dump(render(template, route), sort_keys=False)


def digest(text: str) -> str:
    """Take a short digest of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _annotations(found: Object) -> Object:
    """The annotations of an object, or of a template of pods."""
    annotations: Object = found.get("metadata", {}).get("annotations") or {}
    return annotations


def _run_by(pod: Object) -> str:
    """The graph that a pod runs, or pods of a template; empty where it reads none of its own."""
    files = [
        item.get("fieldRef", {}).get("fieldPath")
        for volume in pod["spec"].get("volumes", [])
        for item in volume.get("downwardAPI", {}).get("items", [])
    ]
    return str(_annotations(pod).get(DOCUMENT, "")) if f"metadata.annotations['{DOCUMENT}']" in files else ""
