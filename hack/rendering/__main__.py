"""Render: the folders of manifests/ that come from the chart, written or compared."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from rendering import folder
from rendering.chart import BASE_NAMESPACE, Key, NotRendered, Rendered, render

ROOT = Path(__file__).parents[2]
CHART, MANIFESTS = ROOT / "helm" / "twinpin", ROOT / "manifests"

#: Values of everything that is rendered.
BASE = ("pinned", "base")
#: Values -> the folder that holds what they change of the base.
COMPONENTS = {
    "gpu": "components/gpu",
    "keda": "components/keda",
    "network-policy": "components/network-policy",
    "monitoring": "components/monitoring",
    "kind": "overlays/kind/settings",
    "production": "overlays/production/settings",
}
#: The component whose objects the others change too; it comes before them.
SCALING = "keda"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--check", is_flag=True, help="Write nothing; fail where a file differs from what would be written.")
@click.option("--kube-version", required=True, metavar="VERSION", help="Kubernetes to render for.")
def main(*, check: bool, kube_version: str) -> None:
    """Write manifests/base, the components and the overlays' settings from the chart."""
    try:
        made = dict(folders(kube_version))
    except NotRendered as error:
        sys.exit(f"error: {error}")
    if not check:
        for path, each in made.items():
            folder.write(each, path)
        return
    if drift := [file for path, each in made.items() for file in folder.drifted(each, path)]:
        names = "\n  ".join(str(file.relative_to(ROOT)) for file in drift)
        sys.exit(f"error: the chart and the manifests differ; run hack/render, and commit:\n  {names}")


def folders(kube_version: str) -> Iterator[tuple[Path, folder.Folder]]:
    """Render the base, then each set of values on top of it."""
    yield MANIFESTS / "base", folder.base(_rendered(kube_version), "manifests/values/base.yaml", BASE_NAMESPACE)
    for name, path in COMPONENTS.items():
        before, after = _everywhere(kube_version, name), _everywhere(kube_version, name, name)
        yield MANIFESTS / path, folder.component(before, after, f"manifests/values/{name}.yaml")


def _everywhere(kube_version: str, component: str, *more: str) -> dict[Key, Rendered]:
    """Render the release, and what it has with other autoscalers alone: numbers of pods are changed in both.

    Kustomize passes over the patch of an object that is not there.
    """
    if component == SCALING:
        return _rendered(kube_version, *more)
    return _rendered(kube_version, SCALING, *more) | _rendered(kube_version, *more)


def _rendered(kube_version: str, *more: str) -> dict[Key, Rendered]:
    """Render with the base's values and those of components."""
    return render(CHART, [MANIFESTS / "values" / f"{name}.yaml" for name in (*BASE, *more)], kube_version)


if __name__ == "__main__":
    main(prog_name="hack/render")
