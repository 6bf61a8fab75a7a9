"""Rendered: the manifests and the chart say the same."""

import os
import re
import subprocess
import sys

import pytest
import yaml
from kustomized import MANIFESTS, ROOT

from rendering import folder
from rendering.chart import NotRendered, render
from rendering.patch import difference

#: As hack/render reads it.
KUBERNETES = re.search(r"^KUBERNETES_VERSION=(\S+)", (ROOT / "hack" / "versions").read_text(), re.MULTILINE)[1]


def ordered(node):
    """Sort what has names, and leave out the namespace, which is kustomize's."""
    if isinstance(node, dict):
        return {key: ordered(value) for key, value in node.items() if key != "namespace"}
    if isinstance(node, list):
        return sorted(map(ordered, node), key=lambda each: str(each.get("name")) if isinstance(each, dict) else "")
    return node


@pytest.mark.usefixtures("helm")
@pytest.mark.parametrize(
    ("values", "components"),
    [
        ([], []),
        (["gpu"], ["components/gpu"]),
        (["keda"], ["components/keda"]),
        (["network-policy"], ["components/network-policy"]),
        (["monitoring"], ["components/monitoring"]),
        (["kind"], ["overlays/kind/settings"]),
        (["production"], ["overlays/production/settings"]),
        (["keda", "production"], ["components/keda", "overlays/production/settings"]),
        (["keda", "kind"], ["components/keda", "overlays/kind/settings"]),
    ],
    ids=lambda each: "+".join(each) or "base",
)
def test_manifests_are_the_chart_with_the_same_values(kustomize, values, components):
    """Whoever applies the one gets what whoever installs the other gets."""
    files = [MANIFESTS / "values" / f"{name}.yaml" for name in ("pinned", "base", *values)]
    rendered = render(ROOT / "helm" / "twinpin", files, KUBERNETES)

    assert ordered(kustomize.on_base(*components)) == ordered({key: each.object for key, each in rendered.items()})


@pytest.mark.usefixtures("helm")
def test_the_chart_has_not_drifted_from_the_manifests():
    """A change of the chart comes with `hack/render`."""
    command = [sys.executable, "-m", "rendering", "--kube-version", KUBERNETES, "--check"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT / "hack")}
    )

    assert done.returncode == 0, done.stderr


def test_drift_is_found_in_every_form(tmp_path):
    """A changed file, a missing one and one too many are all named."""
    made = folder.Folder("values.yaml")
    for name in ("same.yaml", "changed.yaml", "missing.yaml"):
        made.put(name, {"name": name})
    folder.write(made, tmp_path)
    (tmp_path / "changed.yaml").write_text("by: hand\n")
    (tmp_path / "missing.yaml").unlink()
    (tmp_path / "more.yaml").write_text("left: over\n")

    assert [each.name for each in folder.drifted(made, tmp_path)] == ["changed.yaml", "missing.yaml", "more.yaml"]


def test_a_second_writing_takes_away_what_is_rendered_no_more(tmp_path):
    """A template that went leaves no file behind."""
    (tmp_path / "gone.yaml").write_text("left: over\n")
    made = folder.Folder("values.yaml")
    made.put("here.yaml", {"text": "two\nlines\n"})
    folder.write(made, tmp_path)

    assert [each.name for each in tmp_path.iterdir()] == ["here.yaml"]
    assert yaml.safe_load((tmp_path / "here.yaml").read_text()) == {"text": "two\nlines\n"}
    assert not folder.drifted(made, tmp_path)


@pytest.mark.usefixtures("helm")
def test_a_refusal_of_the_chart_is_shown(tmp_path):
    """The sentence of the chart's own check reaches the one who renders."""
    values = tmp_path / "values.yaml"
    values.write_text("registry: {uri: ''}\n")

    with pytest.raises(NotRendered, match=r"registry\.uri is empty"):
        render(ROOT / "helm" / "twinpin", [values], KUBERNETES)


@pytest.mark.parametrize(
    ("before", "after", "operations"),
    [
        ({"a/b": 1}, {"a/b": 2}, [{"op": "replace", "path": "/a~1b", "value": 2}]),
        ({"a": 1}, {}, [{"op": "remove", "path": "/a"}]),
        ({}, {"a": {"b": 1}}, [{"op": "add", "path": "/a", "value": {"b": 1}}]),
        ([{"name": "b"}], [{"name": "a"}, {"name": "b"}], [{"op": "add", "path": "/-", "value": {"name": "a"}}]),
        ([{"name": "a"}, {"name": "b"}], [{"name": "b"}], [{"op": "replace", "path": "", "value": [{"name": "b"}]}]),
        ([1, 2], [1, 3], [{"op": "replace", "path": "", "value": [1, 3]}]),
        ({"a": [{"name": "x", "v": 1}]}, {"a": [{"name": "x", "v": 1}]}, []),
    ],
)
def test_patches_touch_what_differs_alone(before, after, operations):
    """Named elements stay where they are, so that patches of several components can be applied in turn."""
    assert list(difference(before, after)) == operations
