"""What clients lose when pods go: nothing where one goes with grace beside another, little where it is torn away."""

import pytest
from cluster_load import load
from cluster_values import replicas

pytestmark = pytest.mark.cluster

PARTS = ("features", "preprocess", "predict", "graph", "gateway")
CLIENTS = 4


@pytest.fixture(scope="module")
def doubled(release):
    """Two pods of every part."""
    release.upgrade(replicas(2, *PARTS))
    return release


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


@pytest.mark.parametrize("part", PARTS)
def test_a_pod_that_is_torn_away_takes_few_requests_with_it(doubled, questions, measured, part):
    """At most what was under way, and one more of each client on a connection that was not known to be dead."""
    gone = doubled.pods(part)[0]["metadata"]["name"]
    with load(doubled.namespace, questions.of_release(doubled), clients=CLIENTS) as seen:
        doubled.namespace.delete_pod(gone, force=True)
        doubled.await_replicas(part, 2)
    measured(f"a pod of {part} torn away", seen.told())

    assert seen.lost <= 2 * CLIENTS, seen.told()
    assert len(seen.report["pairs"]) == 1
