"""Load from inside the cluster, so that it meets Services as clients there do, and what it saw."""

import base64
import contextlib
import dataclasses
import json
import uuid
from collections.abc import Mapping
from pathlib import Path

from cluster_answers import Answers
from cluster_images import image
from cluster_pods import config_map, pod, pod_spec, resources
from cluster_waits import until

_SCRIPT = Path(__file__).with_name("cluster_load_script.py")


@dataclasses.dataclass(frozen=True)
class Question:
    """One request, and the forecast that must come back, by the beginning of the stamp that comes with it."""

    name: str
    #: Address of HTTP, or `host:port` of gRPC.
    url: str
    body: bytes
    forecasts: Mapping[str, list[float]]
    #: How the answer is read: plain, protocol, binary or grpc.
    form: str = "plain"
    headers: Mapping[str, str] = dataclasses.field(default_factory=lambda: {"Content-Type": "application/json"})

    @property
    def document(self):
        """What the load is told of it: what must come back is not its business."""
        body = base64.b64encode(self.body).decode()
        return {"url": self.url, "form": self.form, "headers": dict(self.headers), "body": body}


class Seen(Answers):
    """What the clients of one load saw: complete when it has ended, until then as far as they have told."""

    def __init__(self, namespace, name, questions):
        super().__init__(questions)
        self.name = name
        self._namespace = namespace

    def read(self):
        """Read what they have told; returns how many answers that is."""
        status = self._namespace.get("Pod", self.name)["status"]
        if any(each["state"].get("waiting") is None for each in status.get("containerStatuses", [])):
            text = self._namespace.kubectl("logs", self.name)
            assert all(line.startswith("{") for line in text.splitlines()), text
            self.take(map(json.loads, text.splitlines()))
        return len(self.asked)


@contextlib.contextmanager
def load(namespace, questions, *, clients=4, rate=50.0, pause=None, timeout=20.0):
    """Ask *questions* in turn while the block runs, half of the clients on connections that they keep.

    They ask *rate* requests a second together; with a *pause* after each answer, as many as they can.
    """
    period, pause = (clients / rate, 0.0) if pause is None else (0.0, pause)
    plan = {"clients": clients, "pause": pause, "period": period, "timeout": timeout}
    plan["questions"] = [each.document for each in questions]
    seen = Seen(namespace, f"load-{uuid.uuid4().hex[:5]}", questions)
    namespace.apply(*_objects(seen.name, plan))
    try:
        until("the first right answer", lambda: seen.read() and seen.right, 90)
        yield seen
        _stop(namespace, seen.name)
        seen.read()
    finally:
        namespace.kubectl("delete", "pod", seen.name, "--wait=false")
        namespace.kubectl("delete", "configmap", seen.name)


def _objects(name, plan):
    """Lay out the pod and what it reads."""
    container = {
        "image": image("gateway"),
        "command": ["python", "/etc/load/load.py"],
        "volumeMounts": [{"name": "load", "mountPath": "/etc/load"}],
        "resources": resources("10m", "192Mi"),
    }
    volume = {"name": "load", "configMap": {"name": name}}
    files = config_map(name, {"load.py": _SCRIPT.read_text(), "plan.json": json.dumps(plan)})
    return files, pod(name, pod_spec(container, volumes=[volume]))


def _stop(namespace, name):
    """Let the clients end after the request that each is at."""
    done = namespace.python(name, "import os, signal; os.kill(1, signal.SIGTERM)")
    assert done.returncode == 0, done.stderr

    def over():
        phase = namespace.get("Pod", name)["status"]["phase"]
        assert phase != "Failed", namespace.kubectl("logs", name)
        return phase == "Succeeded"

    until("the end of the load", over, 60)
