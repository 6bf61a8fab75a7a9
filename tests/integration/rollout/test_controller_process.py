"""The command `twinpin controller` as a process, at a real API server."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import pytest

TWINPIN = str(Path(sys.executable).with_name("twinpin"))
#: Seconds for a start on a busy machine.
PATIENCE = 60.0
PORT = re.compile(r"health are on port (\d+)")

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def namespace(admin):
    """A namespace with a PairedGraph and no template: a controller has the lease, and each look meets a fault."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    admin("create", "namespace", name)
    graph = {"apiVersion": "twinpin.dev/v1alpha1", "kind": "PairedGraph", "metadata": {"name": "sales"}, "spec": {}}
    admin("--namespace", name, "apply", "-f", "-", document=graph)
    return name


class Process:
    """One controller."""

    def __init__(self, admin, namespace, folder, port=0):
        self._log = folder / "controller.log"
        place = ("--release", "sales", "--namespace", namespace, "--registry-uri", "http://127.0.0.1:9")
        face = ("--controller-host", "127.0.0.1", "--controller-port", str(port))
        environment = {**os.environ, "KUBECONFIG": str(admin.kubeconfig)}
        with self._log.open("wb") as log:
            command = [TWINPIN, "controller", *place, *face]
            self._running = subprocess.Popen(command, stderr=log, env=environment)

    def ask(self, path):
        """Ask its face: status and text; 0 while it is not there."""
        if not (found := PORT.search(self.said)):
            return 0, ""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    @property
    def said(self):
        """Its log."""
        return self._log.read_text()

    def end(self):
        """Send SIGTERM, and return the exit code."""
        self._running.send_signal(signal.SIGTERM)
        return self.ended()

    def ended(self):
        """Wait for its end; returns the exit code."""
        return self._running.wait(timeout=PATIENCE)

    def kill(self):
        """Take it away, whatever became of the test."""
        if self._running.poll() is None:
            self._running.kill()
            self._running.wait()


@pytest.fixture
def process(admin, namespace, tmp_path):
    """A controller that works."""
    process = Process(admin, namespace, tmp_path)
    until(lambda: process.ask("/readyz")[0] == 200, process)
    yield process
    process.kill()


def until(met, process):
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not met():
        assert time.monotonic() < deadline, process.said
        time.sleep(0.2)


def holder(admin, namespace):
    """Who has the lease."""
    found = json.loads(admin("--namespace", namespace, "get", "lease", "sales-rollout", "-o", "json"))
    return found["spec"].get("holderIdentity", "")


def test_a_controller_tells_of_itself(process):
    """It has the lease, goes round, and counts what it meets."""
    until(lambda: 'faults_total{kind="cluster"} 0.0' not in process.ask("/metrics")[1], process)
    text = process.ask("/metrics")[1]

    assert process.ask("/livez")[0] == 200
    assert "twinpin_controller_lease_held 1.0" in text
    assert "process_resident_memory_bytes" in text
    assert "twinpin_requests_total" not in text


def test_sigterm_gives_the_lease_back(process, admin, namespace):
    """And is no error."""
    held = holder(admin, namespace)
    code = process.end()

    assert held == socket.gethostname()
    assert code == 0, process.said
    assert holder(admin, namespace) == ""
    assert "Traceback" not in process.said


def test_a_port_that_is_taken_ends_it_with_the_flag_to_set(admin, namespace, tmp_path):
    """Before it takes the lease."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = Process(admin, namespace, tmp_path, port=taken.getsockname()[1])
        code = process.ended()

    assert code == 2
    assert "--controller-port" in process.said
