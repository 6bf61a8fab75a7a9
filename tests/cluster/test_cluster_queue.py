"""Autoscaling by the queue: KEDA asks Prometheus how many requests wait, and adds and removes pods by that alone."""

import pytest
from cluster_namespaces import namespace as make_namespace
from cluster_nights import by_pyfunc_alone
from cluster_pairs import Names
from cluster_release import Release
from cluster_scaling import Scaling, up_and_down
from cluster_values import merged, one_of_each
from cluster_watch import NAME, PORT
from cluster_watch import watch as look_after

pytestmark = [pytest.mark.cluster, pytest.mark.unhurried]

NAMES = Names("queue_scaler", "queue_forecaster", "live")
STEP, MOST = "preprocess", 3
#: Requests that a pod may have in hand before another is added, and the CPU that it may take, so that they wait for it.
QUEUE, CPU = 3, "500m"


@pytest.fixture(scope="module")
def namespace(api):
    """A namespace for this module, in which KServe's router may run."""
    with make_namespace(api, "queue", standard="baseline") as made:
        yield made


@pytest.fixture(scope="module")
def scaled(world, registrar, namespace):
    """One pod of every part; preprocess, a pyfunc, may grow by its queue, and its CPU counts for nothing."""
    pair = registrar.register(NAMES, 1, promoted=True, spoil=by_pyfunc_alone)
    by_queue = {
        "keda": {
            "enabled": True,
            "prometheusUrl": f"http://{NAME}.{namespace.name}.svc:{PORT}",
            "queueLength": QUEUE,
            "pollingInterval": 5,
        },
        "autoscaling": {"enabled": False, "scaleDownSeconds": 15},
        STEP: {"replicas": {"min": 1, "max": MOST}, "resources": {"limits": {"cpu": CPU}}},
    }
    return Release(world, namespace, "queued", merged(one_of_each(world, NAMES), by_queue), pair).install()


@pytest.fixture(scope="module")
def watch(scaled):
    """The Prometheus that KEDA asks."""
    with look_after(scaled) as made:
        yield made


def test_pods_come_and_go_with_the_queue_and_lose_no_request(scaled, watch, questions, measured):
    """From one to three and back; every answer is right."""
    waiting = f'sum(twinpin_in_flight{{{watch.own}, step="{STEP}"}})'
    asked = questions.of_release(scaled)
    course, few, many = up_and_down(scaled, watch, asked, Scaling(STEP, MOST, "queue", waiting))
    course.keep("queue")
    measured("scaled by the queue", course.told())
    measured("its clients, few and many", f"{few.told()} {many.told()}")
    (scaler,) = scaled.namespace.list("HorizontalPodAutoscaler", **{"scaledobject.keda.sh/name": scaler_name(scaled)})

    assert [each["type"] for each in scaler["spec"]["metrics"]] == ["External"]
    assert few.lost == many.lost == 0, few.told() + many.told()
    assert course.of("few")[0] == 1
    assert max(course.of("many")) == MOST
    assert course.of("few again")[-1] == 1


def scaler_name(release):
    """Name the ScaledObject of the step."""
    return release.deployment(STEP).removesuffix("-predictor")
