"""What clients lose when pods go: nothing where one goes with grace beside another, little where it is torn away."""

import pytest
from cluster_load import load
from cluster_values import replicas
from cluster_waits import until

pytestmark = pytest.mark.cluster

PARTS = ("features", "preprocess", "predict", "graph", "gateway")
#: Those whose container has a Python; KServe's router has nothing but itself.
OURS = ("features", "preprocess", "predict", "gateway")
CLIENTS = 4
#: Seconds: the kubelet looks at containers every second, tells the API server, which tells kube-proxy; a probe every 2.
NOTICED = 8.0
#: No process may end the first one of its container, but the kernel does where memory ends. A file in memory counts
#: for the container and not for the process that writes it, so the server is the largest.
STARVE = """
import os
open("/proc/1/oom_score_adj", "w").write("1000")
file = os.memfd_create("memory")
while True:
    os.write(file, bytes(16 << 20))
"""


@pytest.fixture(scope="module")
def doubled(release):
    """Two pods of every part."""
    release.upgrade(replicas(2, *PARTS))
    yield release
    release.upgrade(replicas(1, *PARTS))


@pytest.mark.parametrize("part", PARTS)
def test_a_pod_that_goes_with_grace_takes_no_request_with_it(doubled, questions, measured, part):
    """It is deleted under load, and is replaced; every answer is right."""
    gone = doubled.pods(part)[0]["metadata"]["name"]
    with load(doubled.namespace, questions.of_release(doubled), clients=CLIENTS) as seen:
        doubled.namespace.delete_pod(gone)
        doubled.await_replicas(part, 2)
        doubled.namespace.await_gone(gone)
    measured(f"a pod of {part} deleted with grace", seen.told())

    assert seen.lost == 0, seen.told()


@pytest.mark.parametrize("part", ["graph"])
def test_a_pod_that_is_torn_away_takes_few_requests_with_it(doubled, questions, measured, part):
    """KServe's router, which nothing can kill from inside: at most what was under way, and one more of each client."""
    gone = doubled.pods(part)[0]["metadata"]["name"]
    with load(doubled.namespace, questions.of_release(doubled), clients=CLIENTS) as seen:
        doubled.namespace.delete_pod(gone, force=True)
        doubled.await_replicas(part, 2)
    measured(f"a pod of {part} torn away", seen.told())

    assert seen.lost <= 2 * CLIENTS, seen.told()
    assert len(seen.report["pairs"]) == 1


@pytest.mark.parametrize("part", OURS)
def test_a_process_that_is_killed_is_missed_for_seconds_alone(doubled, questions, measured, part):
    """The kernel ends it in the middle of its work; requests are lost only until the cluster has noticed."""
    pod = doubled.pods(part)[0]
    name, container = pod["metadata"]["name"], pod["spec"]["containers"][0]["name"]
    with load(doubled.namespace, questions.of_release(doubled), clients=CLIENTS) as seen:
        doubled.namespace.python(name, STARVE, container)
        until("its end", lambda: restarts(doubled.namespace.get("Pod", name)) > restarts(pod), 60)
        doubled.await_replicas(part, 2)
    measured(f"a process of {part} killed", seen.told())

    assert seen.report["lost_for"] <= NOTICED, seen.told()
    assert len(seen.report["pairs"]) == 1


def restarts(pod):
    """How often the containers of a pod were started again."""
    return sum(each["restartCount"] for each in pod["status"]["containerStatuses"])
