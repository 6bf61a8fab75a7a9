"""`twinpin resolve` as an init container runs it: Pins in ConfigMaps of a real API server, Events on its own pod."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from mlflow_server import Gate, free_port

from twinpin.pair.folder import PairFolder
from twinpin.pair.pin import Pin

TWINPIN = Path(sys.executable).with_name("twinpin")

#: The command with the libraries of its image alone: MLflow finds more of them here, and takes four times as long.
RESOLVE = """
import sys
for name in ("numpy", "pandas", "sqlalchemy", "alembic", "flask", "sklearn", "pyarrow"):
    sys.modules[name] = None
from twinpin.cli import main
main(["resolve", "--json"])
"""


class InitContainer:
    """One run of `twinpin resolve` in a pod of that name, whose volume is *folder*."""

    def __init__(self, account, settings, folder, pod="forecast-0", **variables):
        environment = {
            "KUBECONFIG": os.environ["KUBECONFIG"],
            "POD_NAME": pod,
            "POD_NAMESPACE": account.namespace,
            "POD_UID": f"uid-of-{pod}",
            "TWINPIN_ALIAS": settings.alias,
            "TWINPIN_PAIR_DIR": str(folder),
            "TWINPIN_PINS_CONFIGMAP": "forecast-pair",
            "TWINPIN_REGISTRY_URI": settings.registry_uri,
            "TWINPIN_RESOLVE_DEADLINE": "300",
        }
        self.folder = PairFolder(folder)
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", RESOLVE],
            env={**os.environ, **environment, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self):
        """Wait for it; returns its exit code, its document and its log."""
        out, err = self._process.communicate()
        return self._process.returncode, json.loads(out) if out else None, err

    def terminate(self):
        """Send SIGTERM, as the kubelet does."""
        self._process.send_signal(signal.SIGTERM)


def port(settings):
    """The port of the registry behind these settings."""
    return int(settings.registry_uri.rsplit(":", 1)[1])


def until(condition, seconds=60):
    """Poll for what somebody else does; returns what it became."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


class Restless(threading.Thread):
    """Somebody who moves the alias from pair to pair, each whole again after a moment."""

    def __init__(self, pairs, alias, made):
        super().__init__()
        self._pairs, self._alias, self._made = pairs, alias, made
        self.over = threading.Event()
        self.moves = 0

    def run(self):
        """Move until told to stop."""
        while not self.over.wait(0.05):
            self._pairs.alias(self._alias, *self._made[self.moves % len(self._made)])
            self.moves += 1


@pytest.mark.timeout(400)  # eight interpreters on few cores
def test_pods_that_start_at_once_serve_one_pair(account, pairs, settings, tmp_path):
    """Eight processes, four pairs between which the alias wanders: one Pin, eight equal folders."""
    restless = Restless(pairs, settings.alias, [pairs.pair(alias=settings.alias)[:2] for _ in range(4)])
    restless.start()
    try:
        pods = [InitContainer(account, settings, tmp_path / f"pod-{n}", pod=f"forecast-{n}") for n in range(8)]
        ended = [pod.end() for pod in pods]
    finally:
        restless.over.set()
        restless.join()
    pin = Pin.model_validate(ended[0][1])

    assert restless.moves > 1
    assert [code for code, _, _ in ended] == [0] * 8, ended
    assert all(document == ended[0][1] for _, document, _ in ended)
    assert all(pod.folder.verified() == pin for pod in pods)
    assert json.loads(account.pin().data["pin.json"]) == ended[0][1]
    assert [account.events(f"forecast-{n}")[-1][:2] for n in range(8)] == [("Normal", "Pinned")] * 8


def test_a_pod_that_waits_says_once_for_what(account, pairs, settings, tmp_path):
    """A half-moved alias, then the other half: two events, whatever the number of tries."""
    first, second = pairs.pair(alias=settings.alias), pairs.pair()
    pairs.alias(settings.alias, second[0], None)
    pod = InitContainer(account, settings, tmp_path / "pod")
    until(lambda: account.events("forecast-0"))
    time.sleep(3)  # long enough for several tries, which must leave no trace
    waiting = account.events("forecast-0")
    pairs.alias(settings.alias, first[0], None)
    code, document, log = pod.end()
    told = account.events("forecast-0")

    assert [(kind, reason) for kind, reason, _ in waiting] == [("Warning", "HalfMoved")]
    assert f"p{second[0]}-m{first[1]}" in waiting[0][2]
    assert waiting[0][2].endswith(" Mend: twinpin promote --repair")
    assert code == 0, log
    assert told[1:] == [
        (
            "Normal",
            "Pinned",
            f"Rollout r1 serves pair {document['id']}: xgboost_preprocessor {first[0]} and xgboost_model {first[1]}.",
        )
    ]
    assert log.count("halves of two pairs") == 1


def test_a_pod_that_gives_up_leaves_the_reason_as_its_last_words(account, pairs, settings, tmp_path):
    """For who sees the tail of the log in `kubectl describe pod`, and for who looks at the events."""
    pairs.pair(alias=settings.alias)
    pairs.alias(settings.alias, pairs.pair()[0], None)
    code, document, log = InitContainer(account, settings, tmp_path / "pod", TWINPIN_RESOLVE_DEADLINE="2").end()
    kind, reason, message = account.events("forecast-0")[-1]

    assert code == 4
    assert (kind, reason) == ("Warning", "HalfMoved")
    assert message == f"{document['error'].partition(' Gave up')[0]} Mend: {document['mend']}"
    assert len(account.events("forecast-0")) == 1
    assert len(log.encode()) < 2048
    assert "Traceback" not in log


def test_a_pod_that_may_write_no_events_starts_all_the_same(release, pairs, settings, tmp_path, monkeypatch):
    """They are a courtesy."""
    release.grant(events=False)
    monkeypatch.setenv("KUBECONFIG", str(release.login()))
    pairs.pair(alias=settings.alias)
    code, _, log = InitContainer(release, settings, tmp_path / "pod").end()

    assert code == 0
    assert "may not create events" in log
    assert release.events("forecast-0") == []


def test_a_restart_outlives_the_api_server_and_a_new_pod_waits_for_it(account, pairs, settings, tmp_path, monkeypatch):
    """The volume of the pod holds its pair; a pod without one must not guess."""
    pairs.pair(alias=settings.alias)
    _, document, _ = InitContainer(account, settings, tmp_path / "pod").end()
    monkeypatch.setenv("KUBECONFIG", str(account.login(server=f"https://127.0.0.1:{free_port()}")))
    again = InitContainer(account, settings, tmp_path / "pod").end()
    other = InitContainer(account, settings, tmp_path / "other", TWINPIN_RESOLVE_DEADLINE="1").end()

    assert again[:2] == (0, document)
    assert other[0] == 4
    assert "does not answer (Connection refused)" in other[1]["error"]
    assert not PairFolder(tmp_path / "other").read()


def test_a_late_pod_takes_the_pin_after_the_alias_moved(account, pairs, settings, tmp_path):
    """As one that an autoscaler adds."""
    pairs.pair(alias=settings.alias)
    first = InitContainer(account, settings, tmp_path / "first").end()
    pairs.pair(alias=settings.alias)
    late = InitContainer(account, settings, tmp_path / "late", pod="forecast-1").end()

    assert late[:2] == first[:2]


@pytest.mark.parametrize("waits", [True, False], ids=["waiting", "downloading"])
def test_sigterm_ends_it_at_once(account, pairs, settings, tmp_path, waits):
    """Whatever it is about to do; the next run sweeps what it left, and none takes it for a pair."""
    pairs.pair(alias=settings.alias)
    stuck, go = threading.Event(), threading.Event()

    def hold(path):
        if not waits and path.endswith("weights.bin"):
            stuck.set()
            go.wait(60)
        return False

    if waits:
        pairs.alias(settings.alias, pairs.pair()[0], None)
    with Gate(port(settings), cut=hold) as gate:
        pod = InitContainer(account, settings, tmp_path / "pod", TWINPIN_REGISTRY_URI=gate.uri)
        until(lambda: account.events("forecast-0") if waits else stuck.is_set())
        asked = time.monotonic()
        pod.terminate()
        code, _, log = pod.end()
        took = time.monotonic() - asked
        go.set()

    assert code == 128 + signal.SIGTERM
    assert took < 5
    assert "Traceback" not in log
    assert pod.folder.read() is None


def test_status_reads_the_pin_from_anywhere(account, pairs, settings, tmp_path):
    """From a laptop with a kubeconfig, by the setting that the pods have."""
    pairs.pair(alias=settings.alias)
    _, document, _ = InitContainer(account, settings, tmp_path / "pod").end()
    flags = ["--registry-uri", settings.registry_uri, "--alias", settings.alias, "--pins-configmap", "forecast-pair"]
    done = subprocess.run([TWINPIN, "status", "--json", *flags], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pin"] == document
