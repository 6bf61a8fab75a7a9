"""Render: the folders of manifests/ that come from the chart, written or compared."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from rendering import folder
from rendering.chart import Key, NotRendered, Rendered, render

ROOT = Path(__file__).parents[2]
CHART, MANIFESTS = ROOT / "helm" / "twinpin", ROOT / "manifests"
#: The base's namespace, which any overlay may change.
NAMESPACE = "forecast"

#: Values -> the folder that holds what they change of the base.
COMPONENTS = {
    "gpu": "components/gpu",
    "keda": "components/keda",
    "network-policy": "components/network-policy",
    "kind": "overlays/kind/settings",
    "production": "overlays/production/settings",
}


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
    plain = _rendered(kube_version)
    yield MANIFESTS / "base", folder.base(plain, "manifests/values/base.yaml", NAMESPACE)
    for name, path in COMPONENTS.items():
        changed = _rendered(kube_version, name)
        yield MANIFESTS / path, folder.component(plain, changed, f"manifests/values/{name}.yaml")


def _rendered(kube_version: str, *more: str) -> dict[Key, Rendered]:
    """Render with the base's values and those of components."""
    return render(CHART, [MANIFESTS / "values" / f"{name}.yaml" for name in ("base", *more)], kube_version)


if __name__ == "__main__":
    main(prog_name="hack/render")
