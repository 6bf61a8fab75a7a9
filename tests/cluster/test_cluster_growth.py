"""A pair that takes over the load of one that has grown: it begins with as many pods, and is free afterwards."""

import dataclasses
import datetime as dt
import json

import pytest
from cluster_follower import Follower
from cluster_load import load
from cluster_namespaces import namespace as make_namespace
from cluster_values import merged, one_of_each, scaled_by_cpu, without_features
from cluster_waits import until

pytestmark = pytest.mark.cluster

#: With the namespace so long that KServe has no room for versions in the names of rollouts.
NAME = "sea-abroad"
#: Pods that the pair that serves has grown to.
GROWN = 2
#: Seconds for which autoscalers look back before they remove pods; after one minute more they are free.
HINDSIGHT = 15
CONTROLLED = {
    "controller": {"enabled": True, "pollSeconds": 1, "drain": 10},
    "autoscaling": {"scaleDownSeconds": HINDSIGHT},
}


@pytest.fixture(scope="module")
def pairs(world):
    """Pairs A and B under an alias of their own."""
    names = dataclasses.replace(world.pairs["A"].names, alias="grown")
    return {letter: dataclasses.replace(world.pairs[letter], names=names) for letter in "AB"}


@pytest.fixture(scope="module")
def namespace(api):
    """A namespace for this module, in which KServe's router may run."""
    with make_namespace(api, "growth", standard="baseline") as made:
        yield made


@pytest.fixture(scope="module")
def grown(world, namespace, pairs):
    """A release whose predict step has been grown by its autoscaler."""
    values = without_features(one_of_each(world, pairs["A"].names))
    with world.registrar() as registrar:
        registrar.promote(pairs["A"])
    release = Follower(world, namespace, NAME, merged(values, scaled_by_cpu("predict", GROWN), CONTROLLED), pairs["A"])
    release.install()
    more = json.dumps({"spec": {"minReplicas": GROWN}})  # as its load would have it, which two cores cannot bear
    namespace.kubectl("patch", "hpa", f"{NAME}-predict-{release.rollout}", "--type=merge", "-p", more)
    release.await_replicas("predict", GROWN)
    assert release.rollout == f"p{release.record['stable']['pair'].rpartition('-')[2]}"
    return release


def test_a_new_pair_has_as_many_pods_before_it_gets_requests(grown, world, pairs, questions, measured):
    """All of them were ready when the graph was written, and no request was lost to one pod with the load of two."""
    with load(grown.namespace, questions.of_release(grown, pairs["B"])) as seen:
        with world.registrar() as registrar:
            registrar.promote(pairs["B"])
        grown.await_live(pairs["B"])
        serving = grown.record["stable"]
        predict, preprocess = grown.pods("predict"), grown.pods("preprocess")
    measured("a pair that takes over from one that has grown", seen.told())

    assert (len(predict), len(preprocess)) == (GROWN, 1)
    assert max(map(ready_since, predict)) <= dt.datetime.fromisoformat(serving["since"])
    assert serving["floors"] == [{"workload": f"{NAME}-predict-@ROLLOUT@-predictor", "replicas": GROWN}]
    assert seen.lost == 0, seen.told()


def test_its_autoscaler_is_free_once_it_knows_the_load(grown):
    """What it had to begin with is not what it has to keep."""

    def least():
        found = grown.namespace.get("HorizontalPodAutoscaler", f"{NAME}-predict-{grown.rollout}")["spec"]["minReplicas"]
        return found == 1, found

    until("the least of the template", least, HINDSIGHT + 120)
    assert grown.record["stable"]["floors"] == []
    grown.await_replicas("predict", 1)


def ready_since(pod):
    """When a pod became ready."""
    (found,) = (each for each in pod["status"]["conditions"] if each["type"] == "Ready")
    return dt.datetime.fromisoformat(found["lastTransitionTime"])
