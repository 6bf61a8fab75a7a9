"""MLflow is away: pods that serve go on, late pods start from the cache, and without one they wait and say why."""

import pytest
from cluster_values import replicas
from cluster_waits import until

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def down(world, release, collapsed):
    """MLflow is gone, until the last test of this module brings it back."""
    world.stop_registry()
    yield
    world.start_registry()


def test_what_runs_goes_on(release, questions, down):
    """No request needs the registry."""
    with release.gateway() as address:
        questions.plain_columns(address, release.pair)
        questions.one_entity(address, release.pair)


def test_a_late_pod_starts_from_the_cache(collapsed, questions, down):
    """It finds the Pin in the cluster and both artifacts in the cache, and serves the same pair."""
    collapsed.upgrade(replicas(2, "serve"))
    with collapsed.gateway() as address:
        for _ in range(6):
            questions.plain_columns(address, collapsed.pair)

    assert len(collapsed.pods("serve")) == 2
    collapsed.upgrade(replicas(1, "serve"))


def test_without_a_cache_a_late_pod_waits_and_says_why_then_goes_on(world, release, down):
    """It stays in Init with an event that names MLflow, and is ready soon after that is back."""
    number = len(release.pods("preprocess"))
    release.upgrade(replicas(number + 1, "preprocess"), wait=False)
    pod = until("a pod that waits", lambda: waiting(release), 90)
    event = until("its event", lambda: warning(release, pod), 90)
    described = release.namespace.kubectl("describe", "pod", pod)

    assert "mlflow" in event["message"]
    assert "does not answer" in event["message"]
    assert event["message"] in " ".join(described.split())
    assert "Init:0/1" in release.namespace.kubectl("get", "pod", pod)
    world.start_registry()
    release.await_replicas("preprocess", number + 1)
    release.upgrade(replicas(number, "preprocess"))


def waiting(release):
    """Name the pod of preprocess whose init container runs."""
    for pod in release.pods("preprocess"):
        for status in pod["status"].get("initContainerStatuses", []):
            if "running" in status["state"]:
                return pod["metadata"]["name"]
    return None


def warning(release, pod):
    """Find the Warning that the init container wrote on its pod."""
    ours = [each for each in release.namespace.events(pod) if each["source"].get("component") == "twinpin-resolve"]
    return next((each for each in ours if each["type"] == "Warning"), None)
