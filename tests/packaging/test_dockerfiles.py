"""What the Dockerfiles say, without a Docker that builds them."""

import json
import re
import subprocess
import tomllib

import pytest
from dockerfiles import EXTRAS, PLACES, ROOT, applicable, chain, instructions, layers, locked, run_lock_stage, stages

FILES = sorted(set(PLACES.values()))
TEST_FILES = ("hack/cluster/images/mlflow/Dockerfile", "hack/cluster/images/redis/Dockerfile")


@pytest.fixture(scope="module")
def installed_by_layer(uv, tmp_path_factory):
    """Requirements by layer, of each Dockerfile; it needs uv, as a build does."""
    assert uv
    return {path: run_lock_stage(path, tmp_path_factory.mktemp("lock")) for path in FILES}


def copied(path):
    """What a Dockerfile copies out of the build context."""
    copies = [copy.split() for stage in stages(path).values() for copy in stage.of("COPY")]
    return {source for words in copies if not words[0].startswith("--from=") for source in words[:-1]}


def test_the_script_builds_every_target_there_is():
    """hack/images and the Dockerfiles name the same images."""
    script = (ROOT / "hack" / "images").read_text()
    names = dict(re.findall(r"\[([a-z-]+)\]=(transformers|predictor|src)", script))

    assert {target: f"{folder}/Dockerfile" for target, folder in names.items()} == PLACES


@pytest.mark.parametrize("target", PLACES)
def test_an_image_holds_what_the_lock_file_says_of_its_extra(target, installed_by_layer):
    """Its layers together are the locked needs of the wheel with that extra: the same versions, by hash, no more."""
    by_layer = installed_by_layer[PLACES[target]]
    held = {requirement for layer in layers(target) for requirement in by_layer[layer]}

    assert applicable(held) == applicable(locked(*EXTRAS[target]))


@pytest.mark.parametrize("target", [target for target in PLACES if target != "serve"])
def test_no_layer_installs_again_what_one_below_it_has(target, installed_by_layer):
    """Bytes in two layers of an image are stored, and pulled, twice."""
    by_layer = installed_by_layer[PLACES[target]]
    held = [requirement for layer in layers(target) for requirement in by_layer[layer]]

    assert held
    assert len(held) == len(set(held))


@pytest.mark.parametrize("path", FILES)
def test_every_layer_is_installed_by_its_hashes_and_nothing_is_compiled(path):
    """A package without a wheel would need a compiler, and one without a hash could be any."""
    for name, stage in stages(path).items():
        if name.endswith("-packages"):
            layer = name.removesuffix("-packages")
            expected = f"install-packages --require-hashes --only-binary :all: -r /lock/{layer}.txt"
            assert stage.of("RUN") == [expected]


def test_the_extras_exist():
    """A build refuses one that does not, but only where somebody runs it."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]

    assert {extra for each in EXTRAS.values() for extra in each} <= set(extras)


def test_the_dockerfiles_share_their_head_and_their_stages():
    """Docker shares a layer only between instructions that are the same from the first one on."""
    heads = {re.split(r"^# -+$", (ROOT / path).read_text(), flags=re.MULTILINE)[0].split("\n", 1)[1] for path in FILES}
    by_name = {}
    for path in FILES:
        for name, stage in stages(path).items():
            by_name.setdefault(name, []).append(stage)
    different = [name for name, same in by_name.items() if any(stage != same[0] for stage in same)]

    assert len(heads) == 1
    assert different == []


@pytest.mark.parametrize("target", PLACES)
def test_the_last_stage_brings_nothing_to_build_with(target):
    """It comes from the plain Python image, takes only what was installed, and runs nothing on top."""
    lowest, *upper = chain(target)
    sources = [copy.split()[-2:] for stage in (lowest, *upper) for copy in stage.of("COPY")]

    assert lowest.base == "${PYTHON_IMAGE}"
    assert all(pair == ["/opt/twinpin", "/opt/twinpin"] for pair in sources)
    assert [line for stage in upper for line in stage.of("RUN")] == []


@pytest.mark.parametrize("target", PLACES)
def test_an_image_runs_as_nobody_and_starts_the_command(target):
    """Kubernetes can check runAsNonRoot only of a user that is a number."""
    lines = [line for stage in chain(target) for line in stage.lines]

    assert [line for line in lines if line.startswith("USER")] == ["USER 65532:65532"]
    assert [line for line in lines if line.startswith("ENTRYPOINT")] == ['ENTRYPOINT ["twinpin"]']
    assert json.loads(chain(target)[-1].of("CMD")[-1])


@pytest.mark.parametrize("path", [*FILES, *TEST_FILES])
def test_a_public_image_is_the_default_and_nothing_comes_from_an_address(path):
    """Whoever has Docker and a network can build them; what is downloaded is in the lock file."""
    lines = instructions((ROOT / path).read_text())

    assert lines[0] == "ARG PYTHON_IMAGE=python:3.11-slim"
    assert [line for line in lines if line.startswith("ADD") or "http" in line] == []


def test_the_build_tools_have_one_exact_version():
    """A new uv or hatchling comes by a commit of ours."""
    pins = {
        pin for path in (*FILES, *TEST_FILES) for pin in re.findall(r"ARG (\w+_VERSION=.*)", (ROOT / path).read_text())
    }

    assert sorted(pin.split("=")[0] for pin in pins) == ["HATCHLING_VERSION", "UV_VERSION"]
    assert all(re.fullmatch(r"\w+=\d+\.\d+\.\d+", pin) for pin in pins)


def test_docker_is_sent_the_sources_of_the_wheel_and_nothing_else():
    """.dockerignore lets in what a Dockerfile copies: no tests, no history, no data."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    wanted = {source for path in (*FILES, TEST_FILES[0]) for source in copied(path)}

    assert lines[0] == "*"
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == wanted
    assert all((ROOT / source).exists() for source in wanted)


def test_the_script_names_images_without_building_any():
    """The names are those of the chart: REGISTRY/twinpin-TARGET:VERSION."""
    script = [ROOT / "hack" / "images", "--names", "features", "predict-gpu"]
    done = subprocess.run(
        script, env={"PATH": "/usr/bin:/bin", "REGISTRY": "ghcr.io/you/"}, capture_output=True, text=True, check=True
    )
    version = re.search(r'"(.+)"', (ROOT / "src" / "twinpin" / "version.py").read_text().splitlines()[-1])[1]

    assert done.stdout.split() == [f"ghcr.io/you/twinpin-{name}:{version}" for name in ("features", "predict-gpu")]


def test_a_target_that_does_not_exist_is_named():
    """A typo is not a build of everything."""
    done = subprocess.run([ROOT / "hack" / "images", "--names", "feature"], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "no image is called 'feature'" in done.stderr
