"""The record of pods that follow the alias, with the rights of their Role alone, at a real API server."""

import subprocess
import time

import pytest
import yaml
from api_server import LocalApiServer, program
from follow_world import START, pin_of
from kubernetes import client, config

from twinpin.follow.entries import moved, refused, tried
from twinpin.follow.kube_record import KubeRecord
from twinpin.pair.api_server import ApiServer
from twinpin.pair.version import Versions
from twinpin.rollout.snapshot import Aliased

KINDS = ("ConfigMap", "Role", "RoleBinding", "ServiceAccount", "PairedGraph")
ACCOUNT = "forecast-resolve"


@pytest.fixture(scope="module")
def kubectl(chart, tmp_path_factory):
    """The administrator's kubectl, at an API server with a release of the collapsed topology, all but its pods."""
    if missing := [name for name in ("etcd", "kube-apiserver", "kubectl") if program(name) is None]:
        pytest.skip(f"needs {', '.join(missing)}: hack/cluster/build makes them from Go modules")
    server = LocalApiServer(tmp_path_factory.mktemp("api")).start()

    def ask(*words, documents=()):
        command = [program("kubectl"), f"--kubeconfig={server.kubeconfig}", *map(str, words)]
        text = yaml.safe_dump_all(documents)
        return subprocess.run(command, input=text, capture_output=True, text=True, check=False)

    ask.kubeconfig = server.kubeconfig
    objects = [each for (kind, _), each in chart.objects("collapsed").items() if kind in KINDS]
    for words in (("apply", "-f", chart.folder / "crds"), ("create", "namespace", chart.namespace)):
        assert ask(*words).returncode == 0
    ask("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    assert ask("apply", "-n", chart.namespace, "-f", "-", documents=objects).returncode == 0
    yield ask
    server.stop()


@pytest.fixture(scope="module")
def may(chart, kubectl):
    """Ask what the account of the pods may do; a Role is known a little after it was stored."""

    def ask(*words):
        account = f"--as=system:serviceaccount:{chart.namespace}:{ACCOUNT}"
        return kubectl("auth", "can-i", "-n", chart.namespace, account, *words).returncode == 0

    deadline = time.monotonic() + 30
    while not ask("create", "events"):
        assert time.monotonic() < deadline, "the Role was never known"
    return ask


@pytest.fixture
def record(chart, kubectl, may, tmp_path, monkeypatch):
    """The record as a pod reaches it."""
    document = yaml.safe_load(kubectl.kubeconfig.read_text())
    core = client.CoreV1Api(config.new_client_from_config(config_file=str(kubectl.kubeconfig)))
    asked = client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=[]))
    issued = core.create_namespaced_service_account_token(ACCOUNT, chart.namespace, asked)
    document["users"][0]["user"] = {"token": issued.status.token}
    place = tmp_path / "kubeconfig"
    place.write_text(yaml.safe_dump(document))
    monkeypatch.setenv("KUBECONFIG", str(place))
    return KubeRecord(ApiServer(chart.namespace), "forecast")


def test_a_life_of_the_record(record):
    """Everything that is written in it is kept, and of two that saw the same one writes."""
    first = record.read()
    alias = Aliased(Versions("2", "2"), "ann@laptop")

    assert record.write(moved(first, pin_of(1), START), first)
    assert not record.write(moved(first, pin_of(3), START), first)
    seen = record.read()
    assert record.write(tried(seen, alias, "pod-0", 1, START), seen)
    trial = record.read()
    assert (trial.pin, trial.status.trial.owner, trial.status.trial.ended) == (pin_of(1), "pod-0", 1)
    assert record.write(refused(trial, alias.versions, "WrongForecast", "no", START), trial)
    left = record.read()
    assert left.status.trial is None
    assert left.status.rejection("p2-m2").reason == "WrongForecast"
    assert left.status.history[0].moved_by == "ann@laptop"
    assert record.write(moved(left, pin_of(2), START, "ann@laptop"), left)
    assert record.read().status.kept == (pin_of(1).id,)
    record.tell("Normal", "Switched", "p2 serves in place of p1.")


def test_what_the_values_say_of_following_is_there(record):
    """The chart writes it into the PairedGraph."""
    seen = record.read()

    assert (seen.keep, seen.interval, seen.paused) == (1, 5, False)


@pytest.mark.parametrize(
    "words",
    [
        ("create", "configmaps"),
        ("get", "configmaps"),
        ("list", "configmaps"),
        ("get", "secrets"),
        ("list", "pods"),
        ("list", "pairedgraphs.twinpin.dev"),
        ("patch", "pairedgraphs.twinpin.dev/forecast"),
        ("get", "pairedgraphs.twinpin.dev/other"),
        ("patch", "pairedgraphs.twinpin.dev/other", "--subresource=status"),
    ],
    ids=" ".join,
)
def test_pods_may_do_nothing_else(may, words):
    """Whoever breaks into a server finds one record to write."""
    assert may("patch", "pairedgraphs.twinpin.dev/forecast", "--subresource=status")
    assert not may(*words)
