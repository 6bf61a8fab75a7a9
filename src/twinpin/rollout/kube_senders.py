"""Senders: what may send by the graph that it holds, from a Deployment down to its pods."""

import dataclasses
from collections.abc import Callable, Iterator

from twinpin.rollout.kube_api import KubeApi, Object
from twinpin.rollout.readiness import takes_requests
from twinpin.rollout.routes import ROUTE
from twinpin.rollout.snapshot import Sender

#: Tells which rollouts a pod, or a template of pods, holds a graph to.
Held = Callable[[Object], frozenset[str]]


async def read_senders(api: KubeApi, name: str, held: Held) -> tuple[Sender, ...]:
    """Read a Deployment, then its ReplicaSets, then its pods, with the rollouts that each of them may send to."""
    deployment = await api.get("apps/v1", "Deployment", name)
    if deployment is None:
        return ()
    selector = ",".join(f"{key}={value}" for key, value in deployment["spec"]["selector"]["matchLabels"].items())
    sets = await api.list("apps/v1", "ReplicaSet", selector)
    pods = await api.list("v1", "Pod", selector)
    return tuple(senders(name, deployment, sets, pods, held))


def senders(name: str, deployment: Object, sets: list[Object], pods: list[Object], held: Held) -> Iterator[Sender]:
    """Turn what may send into senders; until a Deployment was seen by its controller, every set of it may grow."""
    yield _sender(deployment, deployment["spec"]["template"], held)
    seen = deployment.get("status", {}).get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    for each in sets:
        if each["spec"].get("replicas", 0) or (not seen and each.get("status", {}).get("replicas", 0)):
            yield _sender(each, each["spec"]["template"], held)
    for pod in pods:
        if pod.get("status", {}).get("phase") not in {"Succeeded", "Failed"}:
            yield dataclasses.replace(_sender(pod, pod, held), answers_for=name if takes_requests(pod) else "")


def _sender(found: Object, pod: Object, held: Held) -> Sender:
    """Read the graph that a pod holds, or pods of a template, and the route that it was made for."""
    mentions = held(pod)
    route = (pod["metadata"].get("annotations") or {}).get(ROUTE, "") if mentions else ""
    return Sender(f"{found['kind']}/{found['metadata']['name']}", mentions, route)
