"""Seats: a resource of the node that pods can run out of, while all other tests keep their memory and their CPU."""

import contextlib
import json
import uuid

from cluster_images import image
from cluster_pods import pod, pod_spec, resources
from cluster_tools import run
from cluster_waits import until

#: Three rollouts, and one pod more that stands in for another during its replacement.
SEATS = 4


@contextlib.contextmanager
def seats(api):
    """Give the first node seats of a name of their own; gives that name."""
    name = f"twinpin.dev/seats-{uuid.uuid4().hex[:5]}"
    node = api.list("Node")[0]["metadata"]["name"]
    _patch(node, name, "add", {"value": str(SEATS)})
    try:
        until("the node's seats", lambda: api.get("Node", node)["status"]["allocatable"].get(name) == str(SEATS), 60)
        yield name
    finally:
        _patch(node, name, "remove", {})


@contextlib.contextmanager
def filled(namespace, seat):
    """Take every seat that is free, with one pod."""
    pods = [each for each in namespace.list("Pod") if each["status"]["phase"] in {"Pending", "Running"}]
    free = SEATS - sum(_taken(each, seat) for each in pods)
    assert free > 0, "no seat is left to be taken"
    asked = resources("10m", "64Mi")
    for amounts in asked.values():
        amounts[seat] = str(free)
    waiting = "import signal; signal.pause()"
    container = {"image": image("resolve"), "command": ["python", "-c", waiting], "resources": asked}
    namespace.apply(pod("neighbour", pod_spec(container)))
    until("the neighbour's start", lambda: namespace.get("Pod", "neighbour")["status"]["phase"] == "Running", 90)
    try:
        yield
    finally:
        namespace.delete_pod("neighbour", force=True)


def _taken(pod, seat):
    """How many seats a pod takes."""
    return sum(int(each["resources"].get("requests", {}).get(seat, 0)) for each in pod["spec"]["containers"])


def _patch(node, name, verb, value):
    """Change what the node has, in both places where it is told."""
    key = name.replace("/", "~1")
    change = [{"op": verb, "path": f"/status/{place}/{key}", **value} for place in ("capacity", "allocatable")]
    run("kubectl", "patch", "node", node, "--subresource=status", "--type=json", "-p", json.dumps(change))
