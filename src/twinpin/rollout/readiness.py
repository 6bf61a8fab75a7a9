"""Readiness: whether the pods of one InferenceService stand, from its own status, its Deployment and its pods."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from twinpin.rollout.template import MARK, spare

#: Exit code of `twinpin resolve` and of `twinpin step` for what no further try mends.
REFUSED = 3

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Readiness:
    """What can be said of one service."""

    ready: bool
    serving: bool
    message: str = ""
    fault: str | None = None


def readiness(service: Object, deployments: Iterable[Object], pods: Iterable[Object]) -> Readiness:
    """Judge one InferenceService; what its controllers have not caught up with is not ready."""
    name, uid = service["metadata"]["name"], service["metadata"]["uid"]
    mine = [each for each in deployments if _owner(each) == uid]
    if not mine:
        return Readiness(ready=False, serving=False, message=f"{name} has no Deployment yet.", fault=_nameless(service))
    current = service.get("status", {}).get("observedGeneration", 0) >= service["metadata"]["generation"]
    wanted = sum(each["spec"].get("replicas", 1) for each in mine)
    done = sum(_available(each) for each in mine)
    serving = all(each.get("status", {}).get("readyReplicas", 0) > 0 for each in mine)
    if current and serving and all(_complete(each) for each in mine):
        return Readiness(ready=True, serving=True)
    labels = [each["spec"]["selector"]["matchLabels"] for each in mine]
    own = [pod for pod in pods if any(_matches(pod, each) for each in labels)]
    said = next((each for each in (*map(_trouble, own), *map(_forbidden, mine)) if each), "")
    message = f"{name} has {done} of {wanted} replicas. {said}".strip()
    fault = None if serving else next((each for each in map(_refusal, own) if each), None)
    return Readiness(ready=False, serving=serving, message=message, fault=fault)


def wanted_pods(services: Iterable[Object], deployments: Iterable[Object], rollout: str) -> dict[str, int]:
    """Say how many pods each Deployment of some services should have now, by its name with a mark for the rollout's."""
    uids = {each["metadata"]["uid"] for each in services}
    mine = [each for each in deployments if _owner(each) in uids]
    return {each["metadata"]["name"].replace(rollout, MARK): int(each["spec"].get("replicas", 1)) for each in mine}


def takes_requests(pod: Object) -> bool:
    """Whether a pod is ready and is not ending."""
    conditions = pod.get("status", {}).get("conditions", [])
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def _nameless(service: Object) -> str | None:
    """Say that KServe cannot make the host name of a service, which it tells in an Event alone."""
    name, namespace = service["metadata"]["name"], service["metadata"].get("namespace", "")
    over = -spare(name, namespace)
    if over <= 0:
        return None
    return (
        f"KServe makes nothing of {name}: with the namespace {namespace} its host name is {over} characters too long. "
        "Install the release under a shorter name, or in a namespace with one."
    )


def _owner(found: Object) -> str:
    """The uid of what made an object."""
    return next((each["uid"] for each in found["metadata"].get("ownerReferences", []) if each.get("controller")), "")


def _available(deployment: Object) -> int:
    """Replicas that are of the newest kind and answer."""
    status = deployment.get("status", {})
    return int(min(status.get("updatedReplicas", 0), status.get("availableReplicas", 0)))


def _complete(deployment: Object) -> bool:
    """Whether a Deployment has just what it wants, and nothing older."""
    status, wanted = deployment.get("status", {}), deployment["spec"].get("replicas", 1)
    seen = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    return bool(seen and wanted > 0 and status.get("replicas", 0) == wanted and _available(deployment) >= wanted)


def _matches(pod: Object, labels: Object) -> bool:
    """Whether a selector takes a pod."""
    own = pod["metadata"].get("labels", {})
    return all(own.get(key) == value for key, value in labels.items())


def _trouble(pod: Object) -> str:
    """What keeps a pod from being ready, in the words of the scheduler or of its own containers."""
    status = pod.get("status", {})
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition.get("message", "It has no node."))
    for container in _containers(pod):
        waiting = container.get("state", {}).get("waiting", {})
        if said := _last_words(container):
            return said
        if waiting.get("reason", "PodInitializing") not in {"PodInitializing", "ContainerCreating"}:
            return f"{container['name']}: {waiting['reason']}. {waiting.get('message', '')}".strip()
    return ""


def _forbidden(deployment: Object) -> str:
    """Why there are no pods at all: a quota, or a Pod Security Standard, in the API server's words."""
    conditions = deployment.get("status", {}).get("conditions", [])
    failed = (each for each in conditions if each["type"] == "ReplicaFailure" and each["status"] == "True")
    return next((str(each.get("message", "Its pods are refused.")) for each in failed), "")


def _refusal(pod: Object) -> str | None:
    """What `twinpin resolve` or the step said when it refused the pair for good."""
    for container in _containers(pod):
        if (ended := _ended(container)) and ended.get("exitCode") == REFUSED:
            return _last_words(container) or f"{container['name']} refused the pair."
    return None


def _containers(pod: Object) -> Iterator[Object]:
    """List how its containers stand, those first that run first."""
    status = pod.get("status", {})
    yield from status.get("initContainerStatuses", [])
    yield from status.get("containerStatuses", [])


def _ended(container: Object) -> Object | None:
    """How a container ended, now or the last time."""
    for word in ("state", "lastState"):
        ended: Object | None = container.get(word, {}).get("terminated")
        if ended and ended.get("exitCode"):
            return ended
    return None


def _last_words(container: Object) -> str:
    """What a container left when it failed: the error and its mend where it is ours, else the last line."""
    ended = _ended(container)
    lines = [line.strip() for line in (ended or {}).get("message", "").splitlines() if line.strip()]
    errors = [place for place, line in enumerate(lines) if line.lower().startswith("error:")]
    said = " ".join(lines[errors[-1] :] if errors else lines[-1:])
    return f"{container['name']}: {said}"[:500] if said else ""
