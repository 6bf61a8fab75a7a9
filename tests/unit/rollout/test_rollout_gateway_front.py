"""The gateway's Deployment as a front: what is written to it, what is read back, and what its pods hold."""

import asyncio
import copy

import pytest

from twinpin.graph.document import builtin, load
from twinpin.rollout.cluster import Conflict
from twinpin.rollout.kube_api import ClusterFault
from twinpin.rollout.kube_gateway import DOCUMENT, GatewayFront, document, read_gateway
from twinpin.rollout.snapshot import Front, Route
from twinpin.rollout.template import MARK, Template

A, B = "p1-m1-aaaaaa", "p2-m2-bbbbbb"
READS = {"downwardAPI": {"items": [{"fieldRef": {"fieldPath": f"metadata.annotations['{DOCUMENT}']"}}]}}


def template():
    """The built-in graph with the addresses of headless Services."""
    text = builtin().text()
    for step in ("preprocess", "predict"):
        text = text.replace(f"http://{step}/", f"http://f-{step}-{MARK}-direct.ns.svc:8080/")
    return Template("", text)


class Deployments:
    """An API server that holds one Deployment, whose writes it guards by version as the real one does."""

    def __init__(self, volumes=(READS,)):
        pod = {"metadata": {"labels": {"a": "g"}}, "spec": {"volumes": list(volumes), "containers": [{}]}}
        self.found = {
            "kind": "Deployment",
            "metadata": {"name": "f-gateway", "resourceVersion": "1", "generation": 1},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"a": "g"}}, "template": pod},
            "status": {"observedGeneration": 1},
        }
        self.sets, self.pods = [], []

    @property
    def pod(self):
        """What its pods are made from."""
        return self.found["spec"]["template"]

    async def get(self, api, kind, name):
        """Read it."""
        return copy.deepcopy(self.found)

    async def list(self, api, kind, selector=""):
        """List what was made from it."""
        return {"ReplicaSet": self.sets, "Pod": self.pods}[kind]

    async def merge(self, api, kind, name, change):
        """Merge a change, of the version that it names alone."""
        if change["metadata"]["resourceVersion"] != self.found["metadata"]["resourceVersion"]:
            raise Conflict(name)
        before = copy.deepcopy(self.found["spec"])
        _merge(self.found, change)
        metadata = self.found["metadata"]
        metadata["resourceVersion"] = str(int(metadata["resourceVersion"]) + 1)
        metadata["generation"] += self.found["spec"] != before


def _merge(whole, change):
    """Lay one object over another."""
    for key, value in change.items():
        if isinstance(value, dict):
            _merge(whole.setdefault(key, {}), value)
        else:
            whole[key] = value


def pointed(*routes):
    """Write routes one after the other; returns the server and what is read in the end."""
    server = Deployments()
    front = GatewayFront(server, "f-gateway")
    for route in routes:
        asyncio.run(front.point(asyncio.run(front.read(template())), route, template()))
    return server, front, asyncio.run(front.read(template()))


@pytest.mark.parametrize("route", [Route("r1"), Route(A), Route(A, B, 10)])
def test_a_route_is_read_back_as_it_was_written(route):
    """Its pods get a graph that can be loaded, of the rollouts of the route alone."""
    server, _, front = pointed(Route("r0"), route)

    assert front.follows(route)
    assert front.mentions == route.rollouts
    assert load(server.pod["metadata"]["annotations"][DOCUMENT]).spec.nodes


def test_a_gateway_that_never_had_a_graph_sends_nowhere():
    """That is not somebody's edit: it waits for its first graph."""
    front = read_gateway("f-gateway", Deployments().found, template())

    assert (front.route, front.edited, front.mentions, front.version) == (None, False, frozenset(), "1")


def test_a_write_against_an_older_look_is_refused():
    """Whoever wrote since then has the word, be it an autoscaler or another controller."""
    server, front, seen = pointed(Route(A))
    server.found["metadata"]["resourceVersion"] = "9"

    with pytest.raises(Conflict):
        asyncio.run(front.point(seen, Route(B), template()))
    with pytest.raises(Conflict):
        asyncio.run(front.fence(seen))


def test_a_fence_makes_older_reads_useless_and_restarts_nothing():
    """Two in a row too: each is a change, and none of the pod template."""
    server, front, seen = pointed(Route(A))
    pod = copy.deepcopy(server.pod)
    for _ in range(2):
        asyncio.run(front.fence(asyncio.run(front.read(template()))))

    after = asyncio.run(front.read(template()))
    assert server.pod == pod
    assert (after.route, after.generation) == (seen.route, seen.generation)
    assert int(after.version) == int(seen.version) + 2


def test_an_upgrade_of_the_chart_is_no_edit():
    """It changes image and labels, and what it does not say stays."""
    server, _, _ = pointed(Route(A))
    _merge(server.pod, {"metadata": {"labels": {"b": "c"}}, "spec": {"containers": [{"image": "newer"}]}})

    assert read_gateway("f-gateway", server.found, template()).follows(Route(A))


def test_an_upgrade_that_takes_the_graph_away_is_seen():
    """`helm upgrade --force` writes the whole object: its pods would have no graph."""
    server, _, _ = pointed(Route(A))
    del server.pod["metadata"]["annotations"]

    assert not read_gateway("f-gateway", server.found, template()).follows(Route(A))


def test_going_back_by_hand_is_an_edit():
    """`kubectl rollout undo` brings the pods of an older revision back: those rollouts count as used."""
    server, _, _ = pointed(Route(A))
    server.pod["metadata"]["annotations"][DOCUMENT] = document(template(), Route(B))

    front = read_gateway("f-gateway", server.found, template())
    assert (front.edited, front.route, front.mentions) == (True, None, {B})


def test_another_template_is_behind_and_no_edit():
    """Timeouts of the values are in the graph that the gateway runs."""
    server, _, _ = pointed(Route(A))
    newer = Template("", template().graph.replace("condition: inputs", "condition: tensors"))

    front = read_gateway("f-gateway", server.found, newer)
    assert (front.route, front.current, front.edited) == (Route(A), False, False)


def test_every_pod_counts_by_the_graph_that_it_was_made_with():
    """Old pods that end, sets that may grow, and the Deployment itself."""
    server, front, _ = pointed(Route(A))
    old = {"metadata": {"name": "old", "annotations": {DOCUMENT: document(template(), Route(B))}}}
    spec = {"volumes": [READS], "containers": [{}]}
    server.pods = [{"kind": "Pod", **old, "spec": spec}]
    server.sets = [
        {"kind": "ReplicaSet", "metadata": {"name": name}, "spec": {"replicas": replicas, "template": server.pod}}
        for name, replicas in (("grows", 1), ("gone", 0))
    ]

    found = {each.name: each.mentions for each in asyncio.run(front.senders(template()))}
    assert found == {"Deployment/f-gateway": {A}, "ReplicaSet/grows": {A}, "Pod/old": {B}}


def test_a_gateway_before_the_router_sends_to_no_rollout_itself():
    """In mode graph an annotation that was left from mode direct is read by nobody."""
    server = Deployments(volumes=[{"configMap": {"name": "f-graph"}}])
    server.pod["metadata"]["annotations"] = {DOCUMENT: document(template(), Route(B))}

    (found,) = asyncio.run(GatewayFront(server, "f-gateway").senders(template()))
    assert (found.mentions, found.route) == (frozenset(), "")


def test_a_gateway_that_is_not_there_is_asked_for():
    """The chart makes it; the controller has no right to."""
    with pytest.raises(ClusterFault, match="helm upgrade"):
        asyncio.run(GatewayFront(Deployments(), "f-gateway").point(Front("f-gateway"), Route(A), template()))
