"""Template: the manifests of one rollout and the graph's document, with @ROLLOUT@ where the rollout's id goes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
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

#: Keys of the ConfigMap that holds the template.
MANIFESTS = "rollout.yaml"
GRAPH = "graph.yaml"


class BadTemplate(Exception):
    """The template cannot be used; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Template:
    """Two texts, as the chart wrote them."""

    manifests: str
    graph: str

    @property
    def digest(self) -> str:
        """Short digest of the manifests: what a probe and a rejection were made under."""
        return _short(self.manifests)

    def documents(self, rollout: str) -> tuple[Mapping[str, Any], ...]:
        """Render the objects of a rollout, each with its label and its own digest.

        A digest of its own, since KServe copies annotations to pods: what did not change must not restart.
        """
        return _documents(self.manifests, rollout)

    def digests(self, rollout: str) -> Mapping[tuple[str, str], str]:
        """The digest of each object of a rollout, by its kind and name."""
        return {
            (each["kind"], each["metadata"]["name"]): each["metadata"]["annotations"][DIGEST]
            for each in self.documents(rollout)
        }

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every kind in the manifests, as `apiVersion kind`."""
        return tuple(sorted({f"{each['apiVersion']} {each['kind']}" for each in self.documents(_ANY)}))

    def document(self, rollout: str) -> InferenceGraph:
        """Render the graph's document for one rollout."""
        return _graph(self.graph, rollout)


@lru_cache(maxsize=64)
def _documents(text: str, rollout: str) -> tuple[Mapping[str, Any], ...]:
    """Parse and mark; kept, since every look asks for the same few."""
    if MARK not in text:
        raise BadTemplate(f"{MANIFESTS} of the template nowhere says {MARK}: two rollouts would share their objects.")
    try:
        return tuple(_marked(each, rollout) for each in yaml.safe_load_all(text.replace(MARK, rollout)) if each)
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise BadTemplate(f"{MANIFESTS} of the template holds something that is no manifest: {error}") from error


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
