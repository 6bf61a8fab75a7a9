"""A controller whose pod is torn away while a pair comes live: one of another name takes over, and nobody notices."""

import time

import pytest
from cluster_load import load
from cluster_waits import until

pytestmark = [pytest.mark.cluster, pytest.mark.steady, pytest.mark.timeout(1800)]

STEADY = {"clients": 30, "rate": 60}


def test_a_pod_of_another_name_goes_on_where_one_was_torn_away(moving, questions, measured):
    """Once while the new pair's pods come up, once while routers are replaced: each waits until the dead is dead."""
    release, (pair,) = moving.release, moving.newcomers(1)
    with load(release.namespace, questions.mixed(release, pair), **STEADY) as seen:
        moving.ask(pair)
        release.await_record("its rollout", lambda record: (record.get("candidate") or {}).get("rollout"))
        took = [torn_away(release)]
        release.await_record("its switch", lambda record: record["stable"]["pair"].startswith(pair.label))
        took.append(torn_away(release))
        release.await_live(pair)
        until("an answer by it", lambda: seen.read() and seen.of(pair), 60)
    measured("another controller took over after seconds", [round(each, 1) for each in took])
    measured("a controller torn away twice", seen.told())

    assert (seen.lost, seen.mixed) == (0, 0), seen.told()


def torn_away(release):
    """Tear the controller's pod away, and wait until another works; returns how long that took."""
    (pod,) = release.namespace.pods(f"{release.name}-controller")
    gone, begun = pod["metadata"]["name"], time.monotonic()
    assert holder(release) == gone
    release.namespace.delete_pod(gone, force=True)
    until("another controller", lambda: holder(release) not in {gone, ""}, 120)
    return time.monotonic() - begun


def holder(release):
    """Name the pod that has the Lease."""
    return release.namespace.get("Lease", f"{release.name}-rollout")["spec"]["holderIdentity"]
