"""kind-up: what can be known of it without kind's images, which no test pulls."""

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from kustomized import MANIFESTS, ROOT

from twinpin.version import __version__

TARGETS = ("features", "preprocess", "predict", "gateway", "resolve", "rollout")


@pytest.fixture(scope="module")
def versions():
    """What the one list of versions says."""
    script = f'set -a; source "{ROOT / "hack" / "versions"}"; env'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, env={})
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


@pytest.fixture
def bare(tmp_path):
    """An environment whose PATH has what the script itself needs, and nothing that could make a cluster."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "dirname", "sed"):
        (programs / name).symlink_to(shutil.which(name))
    return {"PATH": str(programs), "HOME": str(tmp_path / "home")}


def kind_up(environment, *words):
    """Run the script to its end."""
    command = [ROOT / "hack" / "kind-up", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture
def plan(bare):
    """The commands of kind-up, word by word."""
    done = kind_up(bare, "--plan")
    assert done.returncode == 0, done.stderr
    assert not Path(bare["HOME"]).exists()
    return [shlex.split(line) for line in done.stdout.splitlines()]


def test_the_plan_goes_from_cluster_to_forecast(plan):
    """Each part finds what it needs: certificates before KServe, resources before objects, images before pods."""
    commands = [" ".join(words).removeprefix(f"{ROOT}/") for words in plan]
    expected = [
        "mkdir -p ",
        "kind create cluster --config ",
        *("kubectl apply -f https://", "kubectl -n kube-system patch deployment metrics-server "),
        *(f"helm upgrade --install {name} " for name in ("cert-manager", "kserve-crd", "kserve")),
        *("hack/images features ", "kind load docker-image twinpin-features:", "hack/kind/install"),
    ]

    assert len(commands) == len(expected)
    assert [each for each, start in zip(commands, expected, strict=True) if not each.startswith(start)] == []


def test_everything_that_is_pulled_has_one_pinned_version(plan, versions):
    """No `latest`, and no version that stands in a second place with another number."""
    words = [word for command in plan for word in command]
    charts = {words[at + 2]: words[at + 4] for at, word in enumerate(words) if word == "--install"}

    assert charts.keys() == {
        "oci://quay.io/jetstack/charts/cert-manager",
        "oci://ghcr.io/kserve/charts/kserve-crd",
        "oci://ghcr.io/kserve/charts/kserve-resources",
    }
    assert sorted(charts.values()) == sorted([versions["CERT_MANAGER_VERSION"], *[versions["KSERVE_VERSION"]] * 2])
    assert re.search(r"@sha256:[0-9a-f]{64}$", versions["KIND_NODE_IMAGE"])
    assert versions["KIND_NODE_IMAGE"] in words
    assert any(f"/{versions['METRICS_SERVER_VERSION']}/" in word for word in words)


def test_the_node_is_of_the_minor_version_that_the_tests_run_on(versions):
    """What the cluster tests show holds for kind as well."""
    minor = re.compile(r"v1\.\d+")

    assert minor.search(versions["KIND_NODE_IMAGE"])[0] == minor.search(versions["KUBERNETES_VERSION"])[0]


def test_the_stores_are_what_the_lock_file_names():
    """An older MLflow server than the client lacks what the client asks for."""
    locked = {each["name"]: each.get("version") for each in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    stores = yaml.safe_load((MANIFESTS / "overlays" / "kind" / "stores" / "kustomization.yaml").read_text())
    tags = {each["name"]: each["newTag"] for each in stores["images"]}

    assert tags["mlflow"] == f"v{locked['mlflow']}"
    assert re.fullmatch(r"\d+\.\d+\.\d+", tags["redis"])


def test_the_images_are_those_that_the_manifests_name(plan, kustomize):
    """A pod whose image nobody loads waits for ever; the controller is the chart's alone."""
    objects = kustomize.build(MANIFESTS / "overlays" / "kind")
    named = set(re.findall(r"image: (twinpin-\S+)", yaml.safe_dump_all(objects.values())))
    (loaded,) = [set(words[3:-2]) for words in plan if words[:2] == ["kind", "load"]]

    assert (
        loaded
        == named | {f"twinpin-rollout:{__version__}"}
        == {f"twinpin-{target}:{__version__}" for target in TARGETS}
    )


def module_folder(module, version):
    """Find a Go module's source, fetched where it is missing."""
    if shutil.which("go") is None:
        pytest.skip("no Go, which would fetch KServe's charts")
    script = 'source hack/_env.sh; source hack/cluster/_go.sh; module_folder "$@"'
    command = ["bash", "-c", script, "bash", module, version]
    return Path(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip())


def test_kserves_chart_knows_what_it_is_told(plan, versions, helm):
    """The chart of the very version, from KServe's Go module: Standard mode, and no ingress of its own."""
    charts = module_folder("github.com/kserve/kserve", versions["KSERVE_VERSION"]) / "charts"
    (flags,) = [words[words.index("--set") :] for words in plan if "kserve.controller.deploymentMode=Standard" in words]
    command = [helm, "template", "kserve", charts / "kserve-resources", *flags]
    rendered = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (settings,) = [
        each["data"]
        for each in yaml.safe_load_all(rendered)
        if each and (each["kind"], each["metadata"]["name"]) == ("ConfigMap", "inferenceservice-config")
    ]

    assert (charts / "kserve-crd" / "Chart.yaml").exists()
    assert json.loads(settings["deploy"])["defaultDeploymentMode"] == "Standard"
    assert json.loads(settings["ingress"])["disableIngressCreation"] is True


def test_programs_know_every_flag(plan, helm, kind, kubectl):
    """Each command's own help lists the flags that it is given."""
    programs = {"helm": helm, "kind": kind, "kubectl": kubectl}
    verbs = {"helm": 1, "kind": 2, "kubectl": 1}
    for name, *words in plan:
        if name not in programs:
            continue
        asked = {word for word in words if re.fullmatch(r"--?[a-z][-a-z]*", word)} - {"--kubelet-insecure-tls"}
        verb = [word for word in words if not word.startswith("-")]
        verb = ["patch"] if "patch" in verb else verb[: verbs[name]]
        told = subprocess.run([programs[name], *verb, "--help"], capture_output=True, text=True, check=True).stdout
        told += subprocess.run([programs[name], "options"], capture_output=True, text=True, check=False).stdout

        assert asked
        assert not {flag for flag in asked if not re.search(rf"(?<![-\w]){flag}\b", told)}


def test_kind_reads_the_cluster_file(kind, tmp_path):
    """Unknown fields are refused before an image is looked for; there is none of this name, so it goes no further."""
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        pytest.skip("Docker does not answer")
    command = [kind, "create", "cluster", "--image", "localhost:1/no-such-node", "--kubeconfig", tmp_path / "config"]
    text = (ROOT / "hack" / "kind" / "cluster.yaml").read_text().replace("name: twinpin", "name: twinpin-of-a-test")
    (tmp_path / "right.yaml").write_text(text)
    (tmp_path / "wrong.yaml").write_text(text.replace("role:", "rôle:"))
    right, wrong = (
        subprocess.run([*command, "--config", tmp_path / name], capture_output=True, text=True, check=False).stderr
        for name in ("right.yaml", "wrong.yaml")
    )

    assert "unable to decode config" in wrong
    assert "failed to pull image" in right


@pytest.mark.parametrize(("words", "told"), [(["--now"], "--plan"), ([], "not on PATH: docker kind kubectl helm")])
def test_kind_up_says_what_is_wrong_before_it_makes_anything(bare, words, told):
    """A flag that it does not know, programs that are not there."""
    done = kind_up(bare, *words)

    assert done.returncode != 0
    assert told in done.stderr
    assert not Path(bare["HOME"]).exists()
