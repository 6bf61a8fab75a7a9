"""Folder: the files of a kustomization, written from rendered objects."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rendering.chart import Key, Object, Rendered
from rendering.patch import difference

KUSTOMIZATION = "kustomization.yaml"


@dataclass(slots=True)
class Folder:
    """File name -> text; *source* is the values file that readers change instead."""

    source: str
    files: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, *documents: Any) -> str:
        """Add a file, and give its name."""
        head = f"# Written by hack/render from {self.source} and the chart: change those.\n"
        self.files[name] = head + "---\n".join(_dumped(each) for each in documents)
        return name


def base(objects: Mapping[Key, Rendered], source: str, namespace: str) -> Folder:
    """Lay out the whole release: one file for each template of the chart."""
    folder = Folder(source)
    by_template: dict[str, list[Object]] = defaultdict(list)
    for each in objects.values():
        by_template[each.template].append(each.object)
    resources = [folder.put(f"{template}.yaml", *made) for template, made in sorted(by_template.items())]
    head = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    folder.put(KUSTOMIZATION, {**head, "namespace": namespace, "resources": resources})
    return folder


def component(before: Mapping[Key, Rendered], after: Mapping[Key, Rendered], source: str) -> Folder:
    """Lay out what other values add to the release, change of it and take from it."""
    folder = Folder(source)
    added = [each.object for key, each in after.items() if key not in before]
    patches = [_patch(key, each, after.get(key)) for key, each in before.items() if each != after.get(key)]
    document: dict[str, Any] = {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"}
    if added:
        document["resources"] = [folder.put("resources.yaml", *added)]
    if patches:
        document["patches"] = patches
    folder.put(KUSTOMIZATION, document)
    return folder


def _patch(key: Key, before: Rendered, after: Rendered | None) -> dict[str, Any]:
    """Write what happens to one object, as the kustomization has it."""
    kind, name = key
    if after is None:
        gone = {"apiVersion": before.object["apiVersion"], "kind": kind, "metadata": {"name": name}, "$patch": "delete"}
        return {"patch": _dumped(gone)}
    operations = list(difference(before.object, after.object))
    return {"target": {"kind": kind, "name": name}, "patch": _dumped(operations)}


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as such, and repeats instead of referring."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 -- the signature is YAML's
        """Repeat what occurs twice."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 -- likewise
        """Indent the elements of a list below its key."""
        super().increase_indent(flow, indentless=False)


def _text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
    """Choose the literal style for several lines."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)


_Dumper.add_representer(str, _text)


def _dumped(document: Any) -> str:
    """Write one document, keys in their order."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=1000)


def write(folder: Folder, to: Path) -> None:
    """Make *to* hold these files alone."""
    to.mkdir(parents=True, exist_ok=True)
    for old in to.glob("*.yaml"):
        if old.name not in folder.files:
            old.unlink()
    for name, text in folder.files.items():
        (to / name).write_text(text)


def drifted(folder: Folder, at: Path) -> list[Path]:
    """Name the files that are not as they would be written."""
    names = folder.files.keys() | {each.name for each in at.glob("*.yaml")}
    return sorted(
        at / name for name in names if not (at / name).exists() or (at / name).read_text() != folder.files.get(name)
    )
