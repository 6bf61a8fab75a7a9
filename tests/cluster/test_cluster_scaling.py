"""Autoscaling by CPU: pods come with the load and go with it, and no request goes with them."""

import pytest
from cluster_namespaces import namespace as make_namespace
from cluster_release import installed
from cluster_scaling import Scaling, up_and_down
from cluster_values import merged, one_of_each, scaled_by_cpu
from cluster_watch import watch as look_after

pytestmark = [pytest.mark.cluster, pytest.mark.unhurried]

STEP, MOST = "preprocess", 3
#: Seconds for which the autoscaler looks back before it removes pods; users have five minutes.
HINDSIGHT = {"autoscaling": {"scaleDownSeconds": 15}}


@pytest.fixture(scope="module")
def namespace(api):
    """A namespace for this module, in which KServe's router may run."""
    with make_namespace(api, "scaling", standard="baseline") as made:
        yield made


@pytest.fixture(scope="module")
def scaled(world, namespace):
    """One pod of every part; preprocess may grow."""
    from cluster_world import SEA  # noqa: PLC0415 -- see conftest

    values = merged(one_of_each(world, SEA), scaled_by_cpu(STEP, MOST), HINDSIGHT)
    return installed(world, namespace, "scaled", values, world.pairs["A"])


@pytest.fixture(scope="module")
def watch(scaled):
    """A Prometheus that looks after it."""
    with look_after(scaled) as made:
        yield made


def test_pods_come_and_go_with_the_load_and_lose_no_request(scaled, watch, questions, measured):
    """From one to three and back, by the CPU that they take; every answer is right."""
    used = f'sum(rate(process_cpu_seconds_total{{{watch.own}, app_kubernetes_io_component="{STEP}"}}[15s]))'
    course, few, many = up_and_down(scaled, watch, questions.of_release(scaled), Scaling(STEP, MOST, "CPU", used))
    course.keep("cpu")
    measured("scaled by CPU", course.told())
    measured("its clients, few and many", f"{few.told()} {many.told()}")

    assert few.lost == many.lost == 0, few.told() + many.told()
    assert course.of("few")[0] == 1
    assert max(course.of("many")) == MOST
    assert course.of("few again")[-1] == 1
