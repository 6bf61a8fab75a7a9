"""Load from inside the cluster, so that it meets Services as clients there do, and what it saw."""

import contextlib
import dataclasses
import json
import uuid
from pathlib import Path
from typing import Any

from cluster_images import image
from cluster_pods import config_map, pod, pod_spec, resources
from cluster_waits import until

_SCRIPT = Path(__file__).with_name("cluster_load_script.py")
_NEAR = 1e-4


@dataclasses.dataclass
class Seen:
    """What the clients of one load saw, filled in when it ends."""

    name: str
    report: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def lost(self):
        """How many requests got no answer, or one that was not right."""
        return self.report["lost"]

    def told(self):
        """Say what happened, in one line."""
        shown = {name: value for name, value in self.report.items() if name != "failures"}
        return f"{shown} {self.report['failures']}" if self.report["failures"] else str(shown)


def question(url, body, forecasts):
    """Lay out one request with the forecast that must come back, by the beginning of the stamp that comes with it."""
    wanted = {label: [float(each) for each in forecast] for label, forecast in forecasts.items()}
    return {"url": url, "body": body, "forecasts": wanted, "near": _NEAR}


@contextlib.contextmanager
def load(namespace, questions, *, clients=4, pause=0.02, timeout=20.0):
    """Ask *questions* in turn while the block runs, half of the clients on connections that they keep."""
    name = f"load-{uuid.uuid4().hex[:5]}"
    plan = {"questions": questions, "clients": clients, "pause": pause, "timeout": timeout}
    files = config_map(name, {"load.py": _SCRIPT.read_text(), "plan.json": json.dumps(plan)})
    container = {
        "image": image("gateway"),
        "command": ["python", "/etc/load/load.py"],
        "volumeMounts": [{"name": "load", "mountPath": "/etc/load"}],
        "resources": resources("10m", "128Mi"),
    }
    volume = {"name": "load", "configMap": {"name": name}}
    namespace.apply(files, pod(name, pod_spec(container, volumes=[volume])))
    seen = Seen(name)
    try:
        until("the first right answer", lambda: _lines(namespace, name), 90)
        yield seen
        seen.report = _stop(namespace, name)
    finally:
        namespace.kubectl("delete", "pod", name, "--wait=false")
        namespace.kubectl("delete", "configmap", name)


def _lines(namespace, name):
    """Read what the pod has printed."""
    status = namespace.get("Pod", name)["status"]
    if not any(each["state"].get("waiting") is None for each in status.get("containerStatuses", [])):
        return []
    text = namespace.kubectl("logs", name)
    assert all(line.startswith("{") for line in text.splitlines()), text
    return [json.loads(line) for line in text.splitlines()]


def _stop(namespace, name):
    """Let the clients end after the request that each is at; returns what they saw."""
    done = namespace.python(name, "import os, signal; os.kill(1, signal.SIGTERM)")
    assert done.returncode == 0, done.stderr

    def over():
        phase = namespace.get("Pod", name)["status"]["phase"]
        assert phase != "Failed", namespace.kubectl("logs", name)
        return phase == "Succeeded"

    until("the end of the load", over, 60)
    return _lines(namespace, name)[-1]
