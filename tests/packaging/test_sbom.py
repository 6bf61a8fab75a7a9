"""The bills of materials of hack/sbom: what an image holds, no more and no less, in a form that tools read."""

import json
from importlib import resources

import jsonschema
import pytest
import referencing
from dockerfiles import EXTRAS, applicable, locked

import sbom
from twinpin.version import __version__

PYTHON = "3.11.14"


@pytest.fixture(scope="module", params=sbom.IMAGES)
def image(request, uv):
    """Each image; the bills are made by uv."""
    assert uv
    return request.param


@pytest.fixture(scope="module")
def bill(image):
    """Its bill."""
    return sbom.bill(image, PYTHON)


@pytest.fixture(scope="module")
def schema():
    """The schema of CycloneDX 1.5, as its own library ships it."""
    folder = resources.files("cyclonedx.schema") / "_res"
    whole, *parts = (
        json.loads((folder / f"{name}.SNAPSHOT.schema.json").read_text()) for name in ("bom-1.5", "spdx", "jsf-0.82")
    )
    known = [(each["$id"], referencing.Resource.from_contents(each)) for each in (whole, *parts)]
    return jsonschema.Draft7Validator(whole, registry=referencing.Registry().with_resources(known))


def named(bill):
    """Name and version of each component."""
    return {(each["name"], each["version"]) for each in bill["components"]}


def test_there_is_a_bill_of_every_image():
    """With the extras that its Dockerfile installs."""
    assert sbom.IMAGES == EXTRAS


def test_it_lists_what_the_image_holds(image, bill):
    """The packages that the lock file has of it, at their versions, and our wheel."""
    held = {(name, specifier.removeprefix("==")) for name, specifier, *_ in applicable(locked(*EXTRAS[image]), "3.11")}

    assert named(bill) - held == {("twinpin", __version__)}
    assert {name for name, _ in held - named(bill)} <= {"async-timeout"}  # of Python below 3.11.3 alone


def test_it_is_of_the_schema(bill, schema):
    """Scanners and registries refuse another form."""
    assert [*schema.iter_errors(bill)] == []
    assert [*schema.iter_errors(bill | {"bomFormat": "other"})] != []


def test_it_says_by_which_hash_each_package_is_known(bill):
    """As the image was installed: from wheels alone."""
    foreign = [each for each in bill["components"] if each["name"] != "twinpin"]
    hashes = {each["name"]: [ref["hashes"] for ref in each["externalReferences"]] for each in foreign}

    assert all(hashes.values())
    assert all(each["purl"] == f"pkg:pypi/{each['name']}@{each['version']}" for each in bill["components"])


def test_every_package_hangs_below_the_image(bill):
    """A package without a way to it is one that nobody can say why it is there."""
    below = {each["ref"]: each["dependsOn"] for each in bill["dependencies"]}
    waiting, reached = [bill["metadata"]["component"]["bom-ref"]], set()
    while waiting:
        reference = waiting.pop()
        waiting += [each for each in below[reference] if each not in reached]
        reached.add(reference)

    assert reached - {bill["metadata"]["component"]["bom-ref"]} == {each["bom-ref"] for each in bill["components"]}


def test_it_names_licences(bill):
    """Of nearly all: some packages declare none."""
    silent = [each["name"] for each in bill["components"] if "licenses" not in each]

    assert len(silent) < len(bill["components"]) / 20


def test_the_same_lock_file_gives_the_same_bill(uv, monkeypatch):
    """Byte by byte, with its number and its time, so that a release can be made again."""
    assert uv
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    first = sbom.bill("gateway", PYTHON)

    assert sbom.bill("gateway", PYTHON) == first
    assert first["metadata"]["timestamp"] == "2026-01-01T00:00:00+00:00"
    assert first["serialNumber"] != sbom.bill("resolve", PYTHON)["serialNumber"]


def test_a_newer_python_has_other_packages(uv):
    """The lock file holds numpy twice, and an image one of them."""
    assert uv
    older, newer = (
        [version for name, version in named(sbom.bill("gateway", python)) if name == "numpy"]
        for python in ("3.11.14", "3.12.1")
    )

    assert (len(older), len(newer)) == (1, 1)
    assert older != newer
