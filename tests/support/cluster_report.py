"""What a person needs who reads why a test of the cluster failed."""

from cluster_tools import attempt
from cluster_waits import ready

_LINES = 30


def describe(namespace):
    """Describe a namespace: its pods, those that are not ready in full, and its last events."""
    return "\n".join(_lines(namespace))


def _lines(namespace):
    """Collect what kubectl says; a command that fails is told like one that does not."""
    yield _kubectl(namespace, "get", "pods", "--output", "wide")
    for pod in namespace.list("Pod"):
        name = pod["metadata"]["name"]
        if not ready(pod) and pod["status"].get("phase") != "Succeeded":
            yield _kubectl(namespace, "describe", "pod", name)
            yield _kubectl(namespace, "logs", name, "--all-containers", "--prefix", f"--tail={_LINES}")
    events = _kubectl(namespace, "get", "events", "--sort-by", ".lastTimestamp").splitlines()
    yield "\n".join(events[-_LINES:])


def _kubectl(namespace, *words):
    """Run kubectl, and give all that it printed under its own words."""
    done = attempt("kubectl", "--namespace", namespace.name, *words)
    return f"$ kubectl {' '.join(words)}\n{done.stdout}{done.stderr}"
