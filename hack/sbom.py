"""Bills of materials: what each image holds beside its base, as CycloneDX 1.5, from uv.lock."""

import datetime as dt
import json
import os
import subprocess
import uuid
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import click
from packaging.markers import Marker

from twinpin.version import __version__

ROOT = Path(__file__).parents[1]
#: Image -> extras of the wheel that it holds.
IMAGES = {name: (name, "otel") for name in ("features", "preprocess", "predict", "predict-gpu", "gateway")} | {
    "resolve": ("resolve",),
    "rollout": ("rollout",),
    "serve": ("features", "preprocess", "predict", "gateway", "otel", "resolve"),
}
#: What the Dockerfiles leave out of the lock file.
PRUNED = ("mypy", "grpcio-tools")
#: A licence's text in the place of its name is no name.
NAME = 64  # characters
#: Of numbers that are the same whenever the same bill is made.
NAMESPACE = uuid.UUID("7f1c0a52-5a0e-4f1c-9d5b-2f6d2f6c3a11")

Document = dict[str, Any]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder that the files go to.")
@click.option("--python", required=True, metavar="VERSION", help="Python of the images, all three numbers.")
@click.argument("images", nargs=-1, type=click.Choice(list(IMAGES)))
def main(out: Path, python: str, images: tuple[str, ...]) -> None:
    """Write one file for each image."""
    out.mkdir(parents=True, exist_ok=True)
    for image in images or IMAGES:
        file = out / f"twinpin-{image}-{__version__}.cdx.json"
        file.write_text(json.dumps(bill(image, python), indent=1) + "\n")
        click.echo(file)


def bill(image: str, python: str) -> Document:
    """Make the bill of one image with that Python: the packages that count on Linux, and our own wheel."""
    found = exported(IMAGES[image])
    root = found["metadata"]["component"]["bom-ref"]
    held = [each for each in found["components"] if _counts(each, python)]
    own = {**found["metadata"]["component"], "version": __version__, "purl": f"pkg:pypi/twinpin@{__version__}"}
    kept = {root, *(each["bom-ref"] for each in held)}
    needs = {each["ref"]: [ref for ref in each.get("dependsOn", []) if ref in kept] for each in found["dependencies"]}
    whole = {"type": "container", "bom-ref": f"twinpin-{image}", "name": f"twinpin-{image}", "version": __version__}
    document: Document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"tools": found["metadata"]["tools"], "component": _licensed(whole, "twinpin")},
        "components": [_licensed(_bare(each), each["name"]) for each in (own, *held)],
        "dependencies": [
            {"ref": whole["bom-ref"], "dependsOn": [root]},
            *({"ref": ref, "dependsOn": sorted(needs.get(ref, []))} for ref in sorted(kept)),
        ],
    }
    document["serialNumber"] = uuid.uuid5(NAMESPACE, json.dumps(document)).urn
    if made := os.environ.get("SOURCE_DATE_EPOCH"):
        document["metadata"]["timestamp"] = dt.datetime.fromtimestamp(int(made), dt.UTC).isoformat()
    return document


def exported(extras: tuple[str, ...]) -> Document:
    """Ask uv for what the lock file says of these extras, on every system at once."""
    command = ["uv", "export", "--quiet", "--frozen", "--no-default-groups", "--preview-features", "sbom-export"]
    command += ["--format", "cyclonedx1.5"]
    command += [word for name in PRUNED for word in ("--prune", name)]
    command += [word for extra in extras for word in ("--extra", extra)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"uv wrote no bill of materials (it has to be 0.9.11 or newer): {done.stderr}")
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def _counts(component: Document, python: str) -> bool:
    """Whether a package is installed on Linux with that Python."""
    place = {"python_version": python.rpartition(".")[0], "python_full_version": python, "sys_platform": "linux"}
    markers = [each["value"] for each in component.get("properties", []) if each["name"] == "uv:package:marker"]
    return all(Marker(marker).evaluate({**place, "platform_system": "Linux", "os_name": "posix"}) for marker in markers)


def _bare(component: Document) -> Document:
    """Leave out what concerns uv alone, and archives that no image is installed from."""
    kept = {name: value for name, value in component.items() if name not in ("properties", "externalReferences")}
    wheels = [each for each in component.get("externalReferences", []) if _of_linux(each["url"])]
    return kept | ({"externalReferences": wheels} if wheels else {})


def _of_linux(url: str) -> bool:
    """Whether a file is a wheel for Linux."""
    return url.endswith(".whl") and ("linux" in url.rpartition("/")[2] or url.endswith("-any.whl"))


def _licensed(component: Document, name: str) -> Document:
    """Add the licences that the installed package of that name and version declares."""
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        return component
    licences = declared(installed) if installed.version == component["version"] else []
    return component | ({"licenses": licences} if licences else {})


def declared(package: Distribution) -> list[Document]:
    """List the licences of a package: the SPDX expression, else the classifiers, else a short name."""
    told = package.metadata.json
    if expression := told.get("license_expression"):
        return [{"expression": expression}]
    classifiers = [each for each in told.get("classifier", []) if each.startswith("License :: ")]
    names = [each.rpartition(" :: ")[2] for each in classifiers if each.rpartition(" :: ")[2] != "OSI Approved"]
    name = told.get("license", "")
    if not names and name and len(name) <= NAME:
        names = [str(name)]
    return [{"license": {"name": each}} for each in names]


if __name__ == "__main__":
    main(prog_name="hack/sbom")
