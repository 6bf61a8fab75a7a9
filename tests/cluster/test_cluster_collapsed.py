"""Everything in one process per pod: the same requests, the same Pin, no request lost when a pod goes."""

import pytest
from cluster_load import load
from cluster_tools import run
from cluster_values import replicas

pytestmark = pytest.mark.cluster


def test_it_is_one_inference_service_in_a_restricted_namespace(collapsed, measured):
    """Gateway and steps are one pod; the Service of the gateway leads to it."""
    measured("helm install of the collapsed topology until ready, seconds", round(collapsed.took))
    names = {each["metadata"]["name"] for each in collapsed.namespace.list("InferenceService")}

    assert names == {f"{collapsed.name}-{collapsed.rollout}"}
    assert len(collapsed.namespace.list("Deployment")) == 1
    assert collapsed.namespace.list("InferenceGraph") == []
    assert len(collapsed.pods("serve")) == 1


def test_every_kind_of_forecast(collapsed, questions):
    """The numbers of the pair, over REST, the protocol and gRPC."""
    with collapsed.gateway() as address:
        for kind in questions.GATEWAY:
            kind(address, collapsed.pair)


def test_errors_are_the_gateways(collapsed, questions):
    """400, 404 and 422."""
    with collapsed.gateway() as address:
        assert questions.refusal(address, "/predict", {"nothing": 1})[0] == 400
        assert questions.refusal(address, "/v2/models/nothing/infer", {"inputs": []})[0] == 404
        status, _, document = questions.refusal(address, "/predict/feast", {"entities": [1, 99]})

    assert (status, document["missing"]) == (422, {"99": "unknown"})


def test_helm_test_passes(collapsed):
    """It knows this topology too."""
    told = run("helm", "test", collapsed.name, "-n", collapsed.namespace.name, "--timeout", "120s")

    assert "Phase:          Succeeded" in told


def test_a_pod_that_goes_with_grace_takes_no_request_with_it(collapsed, questions, measured):
    """One of two is deleted under load."""
    collapsed.upgrade(replicas(2, "serve"))
    gone = collapsed.pods("serve")[0]["metadata"]["name"]
    with load(collapsed.namespace, questions.of_release(collapsed)) as seen:
        collapsed.namespace.delete_pod(gone)
        collapsed.await_replicas("serve", 2)
        collapsed.namespace.await_gone(gone)
    collapsed.upgrade(replicas(1, "serve"))
    measured("collapsed: a pod deleted with grace", seen.told())

    assert seen.lost == 0, seen.told()
