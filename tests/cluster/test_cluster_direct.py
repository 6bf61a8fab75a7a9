"""The gateway that runs the graph itself: gRPC to every pod of a step, autoscalers that act, and a clean end.

All its pods are ours, so its namespace lets in restricted pods alone.
"""

import re
import time

import pytest
from cluster_load import load
from cluster_ports import Address, forwarded
from cluster_release import installed
from cluster_tools import run
from cluster_values import DIRECT, merged, one_of_each, replicas, scaled_by_cpu
from cluster_waits import until

pytestmark = pytest.mark.cluster

#: Seconds in which a part must have grown: metrics-server looks every 15 s, the autoscaler too, and a pod starts.
GROWTH = 240
#: Seconds in which a pod that is new must have its share of the requests.
SPREAD = 60
COUNT = re.compile(r"^twinpin_step_duration_seconds_count\{.*\} (\S+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def empty(namespace, world):
    """What a namespace holds before anything is installed, once its own objects are there."""
    namespace.apply(world.repository)
    wanted = {"ConfigMap/kube-root-ca.crt", "ServiceAccount/default"}
    return until("the namespace's own objects", lambda: wanted <= set(found := namespace.contents()) and found, 60)


@pytest.fixture(scope="module")
def direct(world, namespace, empty):
    """One pod of every part but predict, which has two; preprocess may grow to three."""
    from cluster_world import SEA  # noqa: PLC0415 -- see conftest

    values = merged(one_of_each(world, SEA), DIRECT, scaled_by_cpu("preprocess", 3), replicas(2, "predict"))
    return installed(world, namespace, "direct", values, world.pairs["A"])


def test_it_has_no_graph_and_forecasts_all_the_same(direct, questions):
    """Every kind of request; KServe's router is not there."""
    with direct.gateway() as address:
        for kind in questions.GATEWAY:
            kind(address, direct.pair)

    assert direct.namespace.list("InferenceGraph") == []


def test_autoscalers_see_what_the_pods_use(direct):
    """metrics-server gives every HorizontalPodAutoscaler a figure."""

    def figures():
        found = {}
        for each in direct.namespace.list("HorizontalPodAutoscaler"):
            metrics = each["status"].get("currentMetrics") or [{}]
            found[each["metadata"]["name"]] = (
                metrics[0].get("resource", {}).get("current", {}).get("averageUtilization")
            )
        return bool(found) and None not in found.values(), found

    found = until("a figure for every autoscaler", figures, 120)

    assert {name.removesuffix("-predictor") for name in found} == {
        direct.deployment(part).removesuffix("-predictor") for part in direct.parts
    }


def test_preprocess_grows_under_load(direct, questions, measured):
    """Its autoscaler adds pods, which serve the same pair; no request is lost on the way."""
    assert len(direct.pods("preprocess")) == 1
    with load(direct.namespace, questions.of_release(direct), clients=24, pause=0.0) as seen:
        begun = time.monotonic()
        deployment = direct.deployment("preprocess")
        until("a second pod of preprocess", lambda: len(direct.namespace.ready_pods(deployment)) > 1, GROWTH)
        took = time.monotonic() - begun
    measured("preprocess grew under load after seconds", round(took))
    measured("while it grew", seen.told())

    assert seen.lost == 0, seen.told()
    assert len(seen.report["pairs"]) == 1


def test_requests_meet_every_pod_of_a_step(direct, questions):
    """The headless Services name them, also those that came later than the gateway: each has its share soon."""
    direct.await_replicas("predict", 2)
    with load(direct.namespace, questions.of_release(direct)):
        for part in ("predict", "preprocess"):
            until(f"forecasts of all pods of {part}", lambda part=part: shared(direct, questions, part), SPREAD)


def shared(release, questions, part):
    """Whether all ready pods of a part have answered requests, and how many each."""
    names = [pod["metadata"]["name"] for pod in release.namespace.ready_pods(release.deployment(part))]
    counts = {name: forecasts(release, questions, name) for name in names}
    return len(counts) > 1 and all(counts.values()), counts


def forecasts(release, questions, pod):
    """How many requests a pod says that it has answered."""
    with forwarded(release.namespace, f"pod/{pod}", 8080) as (port,):
        text = questions.client.send(Address("127.0.0.1", port, 0), "GET", "/metrics").body.decode()
    return sum(map(float, COUNT.findall(text)))


def test_a_pod_of_a_step_that_goes_is_not_missed(direct, questions, measured):
    """One of two pods of predict is deleted with grace under load: gRPC moves on to the other."""
    gone = direct.pods("predict")[0]["metadata"]["name"]
    with load(direct.namespace, questions.of_release(direct)) as seen:
        direct.namespace.delete_pod(gone)
        direct.await_replicas("predict", 2)
        direct.namespace.await_gone(gone)
    measured("mode direct: a pod of predict deleted with grace", seen.told())

    assert seen.lost == 0, seen.told()


def test_uninstall_leaves_nothing(direct, empty, measured):
    """Not one object of any kind in the namespace, the Pin included, and none of the cluster's own kinds."""
    begun = time.monotonic()
    assert direct.pin is not None
    direct.uninstall()

    def rest():
        left = sorted(set(direct.namespace.contents()) - set(empty))
        return not left, left

    until("the namespace as it was", rest, 180)
    measured("helm uninstall until nothing was left, seconds", round(time.monotonic() - begun))
    kinds = run("kubectl", "api-resources", "--namespaced=false", "--verbs=list", "-o", "name").split()
    owned = f"app.kubernetes.io/instance={direct.name},app.kubernetes.io/managed-by=Helm"
    assert run("kubectl", "get", ",".join(kinds), "--selector", owned, "-o", "name", "--ignore-not-found") == ""
