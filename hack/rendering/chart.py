"""Chart: its objects for some values, as anybody would apply them without Helm."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

Object: TypeAlias = dict[str, Any]
#: Kind and name; the objects of one release lie in one namespace.
Key: TypeAlias = tuple[str, str]

RELEASE = "forecast"
#: Where Helm is told to install; no rendered line keeps it.
NAMESPACE = "namespace-of-the-render"
#: Within a namespace the first search domain of a pod completes a Service's short name.
ELSEWHERE = (f".{NAMESPACE}.svc.cluster.local", f".{NAMESPACE}.svc", f".{NAMESPACE}")
#: The base's namespace, which any overlay may change.
BASE_NAMESPACE = "forecast"
#: In a query to Prometheus a namespace is a word that kustomize does not see; manifests/README.md says what to do.
IN_QUERIES = 'namespace="{}"'
#: What only Helm reads.
HELMS = {"helm.sh/chart", "app.kubernetes.io/managed-by"}
#: What the chart asks of the cluster before it makes an object.
SERVED = (
    "serving.kserve.io/v1beta1/InferenceService",
    "serving.kserve.io/v1alpha1/InferenceGraph",
    "keda.sh/v1alpha1/ScaledObject",
)


class NotRendered(Exception):
    """Helm refused, or a template made what no manifest can say; the message names it."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """One object, and the name of the template that made it."""

    template: str
    object: Object


def render(chart: Path, values: list[Path], kubernetes: str) -> dict[Key, Rendered]:
    """Render without hooks, tests and what Helm alone reads."""
    command = ["helm", "template", RELEASE, str(chart), "--namespace", NAMESPACE, "--no-hooks", "--skip-tests"]
    command += [word for name in SERVED for word in ("--api-versions", name)]
    command += [word for file in values for word in ("--values", str(file))]
    done = subprocess.run([*command, "--kube-version", kubernetes], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotRendered(done.stderr)
    return {(each.object["kind"], each.object["metadata"]["name"]): each for each in _documents(done.stdout)}


def _documents(text: str) -> Iterator[Rendered]:
    """Split what Helm printed; each document says in its first line which template made it."""
    for document in text.split("\n---\n"):
        parsed = yaml.safe_load(document)
        if parsed is not None:
            (source,) = [line for line in document.splitlines() if line.startswith("# Source: ")]
            yield Rendered(Path(source).stem, _plain(parsed))


def _plain(node: Any) -> Any:
    """Take out what is Helm's and what names the namespace, at any depth."""
    if isinstance(node, dict):
        return {
            name: _plain(value)
            for name, value in node.items()
            if name not in HELMS and (name, value) != ("namespace", NAMESPACE)
        }
    if isinstance(node, list):
        return [_plain(each) for each in node]
    return _plain_text(node) if isinstance(node, str) else node


def _plain_text(text: str) -> str:
    """The same for a name, an address, or a document within a document."""
    text = text.replace(IN_QUERIES.format(NAMESPACE), IN_QUERIES.format(BASE_NAMESPACE))
    for suffix in ELSEWHERE:
        text = text.replace(suffix, "")
    if NAMESPACE in text:
        raise NotRendered(f"this names the namespace, which manifests leave to kustomize:\n{text}")
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if line.partition(":")[0].strip() not in HELMS)
