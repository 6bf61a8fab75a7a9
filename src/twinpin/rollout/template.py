"""Template: the manifests of one rollout and the graph's documents, with @ROLLOUT@ where the rollout's id goes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import yaml

from twinpin.graph.document import InferenceGraph, InvalidGraph, load

MARK = "@ROLLOUT@"

ROLLOUT_LABEL = "twinpin.dev/rollout"
#: Annotation with the digest of the document that an object was applied from.
DIGEST = "twinpin.dev/digest"

#: A rollout, where it does not matter which.
_ANY = "r0"

#: Kinds of autoscalers, and what the least and the most pods are called there.
SCALERS = {
    "HorizontalPodAutoscaler": (("minReplicas", "maxReplicas"),),
    "ScaledObject": (("minReplicaCount", "maxReplicaCount"),),
}

#: Characters of a DNS label, and of a label of Kubernetes.
LABEL = 63

#: Pods that a Deployment of the template has at least, whatever its autoscaler's document says.
Floors = tuple[tuple[str, int], ...]

#: Keys of the ConfigMap that holds the template; the last two may be missing.
MANIFESTS = "rollout.yaml"
GRAPH = "graph.yaml"
DIRECT = "direct.yaml"
MAKES_GRAPH = "makes-graph"


class BadTemplate(Exception):
    """The template cannot be used; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Template:
    """Texts, as the chart wrote them."""

    manifests: str
    graph: str
    #: The graph that the gateway runs itself; empty where it does not.
    direct: str = ""
    #: Whether the InferenceGraph is made; one that is there is switched all the same.
    makes_graph: bool = True

    @classmethod
    def parse(cls, data: Mapping[str, str]) -> "Template":
        """Read the data of the chart's ConfigMap; raises BadTemplate where something is not there."""
        if lacking := [key for key in (MANIFESTS, GRAPH) if key not in data]:
            raise BadTemplate(f"The template has no {' and no '.join(lacking)}: install the chart again.")
        return cls(data[MANIFESTS], data[GRAPH], data.get(DIRECT, ""), data.get(MAKES_GRAPH, "true") == "true")

    @property
    def own(self) -> "Template":
        """The same with the gateway's own graph in the place of the InferenceGraph's."""
        return replace(self, graph=self.direct)

    @property
    def digest(self) -> str:
        """Short digest of the manifests: what a probe and a rejection were made under."""
        return _short(self.manifests)

    def documents(self, rollout: str, floors: Floors = ()) -> tuple[Mapping[str, Any], ...]:
        """Render the objects of a rollout, each with its label and its own digest.

        A digest of its own, since KServe copies annotations to pods: what did not change must not restart.
        """
        return _documents(self.manifests, rollout, floors)

    def digests(self, rollout: str, floors: Floors = ()) -> Mapping[tuple[str, str], str]:
        """The digest of each object of a rollout, by its kind and name."""
        return {
            (each["kind"], each["metadata"]["name"]): each["metadata"]["annotations"][DIGEST]
            for each in self.documents(rollout, floors)
        }

    def name_rollout(self, pair: str, namespace: str) -> str:
        """Name the rollout of a pair: as the pair, or by the pair's digest alone where KServe has no room for more."""
        services = [each["metadata"]["name"] for each in self.documents(MARK) if each["kind"] == "InferenceService"]
        room = min((spare(each.replace(MARK, ""), namespace) for each in services), default=len(pair))
        return pair if len(pair) <= room else f"p{pair.rpartition('-')[2]}"

    @property
    def scaled(self) -> Mapping[str, tuple[int, int]]:
        """The Deployments that an autoscaler of the template scales, with the least and most pods of each."""
        return {
            each["spec"]["scaleTargetRef"]["name"]: (each["spec"].get(least, 1), each["spec"].get(most, 1))
            for each in self.documents(MARK)
            for least, most in SCALERS.get(each["kind"], ())
        }

    @property
    def hindsight(self) -> int:
        """Seconds for which its autoscalers look back before they remove pods."""
        return max((_hindsight(each["spec"]) for each in self.documents(MARK) if each["kind"] in SCALERS), default=0)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every kind in the manifests, as `apiVersion kind`."""
        return tuple(sorted({f"{each['apiVersion']} {each['kind']}" for each in self.documents(_ANY)}))

    def document(self, rollout: str) -> InferenceGraph:
        """Render the graph's document for one rollout."""
        return _graph(self.graph, rollout)


def spare(service: str, namespace: str) -> int:
    """How many characters the name of an InferenceService could still grow by; below zero where it is too long.

    KServe makes the host name `<name>-predictor-<namespace>` and the label `isvc.<name>-predictor` of it.
    """
    return LABEL - max(len(f"{service}-predictor-{namespace}"), len(f"isvc.{service}-predictor"))


@lru_cache(maxsize=64)
def _documents(text: str, rollout: str, floors: Floors) -> tuple[Mapping[str, Any], ...]:
    """Parse and mark; kept, since every look asks for the same few."""
    if MARK not in text:
        raise BadTemplate(f"{MANIFESTS} of the template nowhere says {MARK}: two rollouts would share their objects.")
    try:
        raised = {workload.replace(MARK, rollout): replicas for workload, replicas in floors}
        return tuple(
            _marked(_raised(each, raised), rollout) for each in yaml.safe_load_all(text.replace(MARK, rollout)) if each
        )
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise BadTemplate(f"{MANIFESTS} of the template holds something that is no manifest: {error}") from error


def _raised(document: Any, floors: Mapping[str, int]) -> Any:
    """Give an autoscaler the least that it may not know of yet."""
    for least, _ in SCALERS.get(document["kind"], ()):
        floor = floors.get(document["spec"]["scaleTargetRef"]["name"])
        if floor is not None:
            return {**document, "spec": {**document["spec"], least: floor}}
    return document


def _hindsight(spec: Mapping[str, Any]) -> int:
    """Seconds for which one autoscaler looks back; Kubernetes' own 300 where nothing is said."""
    advanced = spec.get("advanced", {}).get("horizontalPodAutoscalerConfig", {})
    behavior = spec.get("behavior") or advanced.get("behavior") or {}
    return int(behavior.get("scaleDown", {}).get("stabilizationWindowSeconds", 300))


def _marked(document: Any, rollout: str) -> Mapping[str, Any]:
    """Add the label and the digest to one manifest."""
    if rollout not in document["metadata"]["name"]:
        raise BadTemplate(
            f"{document['kind']} {document['metadata']['name']} of the template does not carry {MARK} in its name: "
            "two rollouts would share it."
        )
    metadata = dict(document["metadata"])
    metadata["labels"] = {**metadata.get("labels", {}), ROLLOUT_LABEL: rollout}
    digest = _short(json.dumps(document, sort_keys=True, default=str))
    metadata["annotations"] = {**metadata.get("annotations", {}), DIGEST: digest}
    return {**document, "metadata": metadata}


@lru_cache(maxsize=64)
def _graph(text: str, rollout: str) -> InferenceGraph:
    """Parse the graph's document."""
    try:
        return load(text.replace(MARK, rollout))
    except InvalidGraph as error:
        raise BadTemplate(f"{GRAPH} of the template cannot be used: {error}") from error


def _short(text: str) -> str:
    """Take twelve hex digits of a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
