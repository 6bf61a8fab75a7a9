"""What is in the built images, and how they start."""

import json
import re

import pytest
from containers import STRANGER, inspect, name_of, run, why_no_docker
from dockerfiles import EXTRAS, PLACES, ROOT, applicable, locked

pytestmark = [pytest.mark.images, pytest.mark.timeout(300)]

#: What each image may import; every other of these belongs to another image.
LIBRARIES = {
    "features": {"feast", "pyarrow", "pandas", "kserve"},
    "preprocess": {"mlflow", "sklearn", "skops", "scipy", "pandas", "kserve"},
    "predict": {"xgboost", "scipy", "pandas", "kserve"},
    "predict-gpu": {"xgboost", "scipy", "pandas", "kserve"},
    "gateway": set(),
    "resolve": {"mlflow"},
    "rollout": {"mlflow"},
    "serve": {"feast", "pyarrow", "mlflow", "sklearn", "skops", "scipy", "xgboost", "pandas", "kserve"},
}

#: What has no place in any: to install with, to compile with, and the folders of the checkout.
FOREIGN = ("pip", "uv", "setuptools", "mypy", "grpc_tools", "ensurepip", "pytest", "transformers", "predictor", "tests")

PROGRAMS = ("pip", "pip3", "uv", "gcc", "cc", "ld", "make", "git")

#: Run by the image's own Python; prints what the tests below ask for.
PROBE = f"""
import importlib.metadata, importlib.util, json, os, platform, shutil, sys

def importable(name):
    return importlib.util.find_spec(name) is not None

def writable(folder):
    return os.access(folder, os.W_OK)

named = importlib.metadata.distributions()
print(json.dumps({{
    "packages": sorted((each.name, each.version) for each in named),
    "python": platform.python_version(),
    "libraries": [name for name in {sorted(LIBRARIES["serve"])} if importable(name)],
    "foreign": [name for name in {FOREIGN} if importable(name)],
    "programs": [name for name in {PROGRAMS} if shutil.which(name)],
    "user": [os.getuid(), os.getgid()],
    "writable": [folder for folder, _, _ in os.walk("/opt/twinpin") if writable(folder)],
    "safe": sys.flags.safe_path,
    "path": sys.path,
}}))
"""


@pytest.fixture(scope="module", params=PLACES)
def target(request):
    """Every target whose image is there."""
    if reason := why_no_docker():
        pytest.skip(reason)
    if inspect(name_of(request.param)) is None:
        pytest.skip(f"{name_of(request.param)} is not built: run hack/images {request.param}")
    return request.param


@pytest.fixture(scope="module")
def inside(target):
    """What the image's own Python finds."""
    done = run(name_of(target), "-c", PROBE, options=["--network", "none", "--entrypoint", "python"])
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def sizes():
    """Megabytes by target, as docs/images.md tells them."""
    page = (ROOT / "docs" / "images.md").read_text()
    return {target: int(size) for target, size in re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", page, re.MULTILINE)}


def test_it_holds_the_locked_packages_and_no_other(target, inside):
    """Name by name and version by version, as uv.lock says for the extra, and our own wheel."""
    minor = inside["python"].rpartition(".")[0]
    expected = {
        (name, specifier.removeprefix("==")) for name, specifier, *_ in applicable(locked(*EXTRAS[target]), minor)
    }
    packages = {(re.sub(r"[-_.]+", "-", name).lower(), version) for name, version in inside["packages"]}
    version = inspect(name_of(target))["Config"]["Labels"]["org.opencontainers.image.version"]

    assert packages == expected | {("twinpin", version)}


def test_it_can_import_its_own_libraries_and_no_other_steps(target, inside):
    """Features carries no xgboost, predict no feast."""
    assert set(inside["libraries"]) == LIBRARIES[target]


def test_it_has_nothing_to_build_or_install_with(inside):
    """Neither the tools nor our checkout."""
    assert inside["foreign"] == []
    assert inside["programs"] == []


def test_it_runs_as_a_number_that_can_write_nothing_of_it(inside):
    """What is served cannot be changed by who serves it, be the root read-only or not."""
    assert inside["user"] == [65532, 65532]
    assert inside["writable"] == []


def test_no_folder_shadows_a_package(inside):
    """PYTHONSAFEPATH holds: Python looks neither where it is started nor beside the script."""
    assert inside["safe"] is True
    assert {"", "/tmp", "/opt/twinpin/bin"} & set(inside["path"]) == set()


def test_the_command_starts_for_any_user(target):
    """OpenShift chooses a user that no image knows."""
    done = run(name_of(target), "--help", user=STRANGER, options=["--network", "none"])

    assert done.returncode == 0, done.stderr
    assert "Forecasts from one pinned pair" in done.stdout


def test_without_settings_it_says_what_is_missing(target):
    """One sentence and an exit status, and no stack trace, in an image that was just started to see."""
    done = run(name_of(target), options=["--network", "none"])
    said = (done.stdout + done.stderr).strip()

    assert done.returncode != 0
    assert "rror: " in said
    assert "Traceback" not in said


def test_its_labels_tell_what_it_is(target):
    """The names of the OCI; the version is that of the wheel in it."""
    labels = inspect(name_of(target))["Config"]["Labels"]
    told = {name.rpartition(".")[2]: value for name, value in labels.items() if name.startswith("org.opencontainers")}

    assert told["title"] == f"twinpin-{target}"
    assert told["description"]
    assert told["licenses"] == "Apache-2.0"
    assert told["version"] == name_of(target).rpartition(":")[2]
    assert set(told) == {"title", "description", "licenses", "version", "revision", "source"}


def test_it_has_the_size_that_the_page_tells(target):
    """Within 5 %: a package more, or a cache left behind, shows here first."""
    megabytes = inspect(name_of(target))["Size"] / 1e6

    assert sizes()[target] == pytest.approx(megabytes, rel=0.05)
