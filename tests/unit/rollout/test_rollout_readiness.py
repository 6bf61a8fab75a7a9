"""What is ready, what at least answers, and what its pods say when it is not."""

import pytest

from twinpin.rollout.readiness import readiness

SERVICE = {"metadata": {"name": "f-predict", "uid": "s1", "generation": 2}, "status": {"observedGeneration": 2}}
LABELS = {"app": "isvc.f-predict-predictor"}


def deployment(uid="s1", wanted=2, generation=1, **status):
    """A Deployment of the service, done unless told otherwise."""
    done = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "readyReplicas": 2}
    return {
        "metadata": {"ownerReferences": [{"uid": uid, "controller": True}], "generation": generation},
        "spec": {"replicas": wanted, "selector": {"matchLabels": LABELS}},
        "status": done | status,
    }


def pod(**status):
    """A pod of the service."""
    return {"metadata": {"labels": LABELS}, "status": status}


def test_a_service_is_ready_when_all_that_it_wants_is_there():
    """Nothing older, nothing missing."""
    found = readiness(SERVICE, [deployment()], [])

    assert found.ready
    assert found.serving


@pytest.mark.parametrize(
    "made",
    [
        deployment(generation=2),
        deployment(wanted=3),
        deployment(replicas=3),
        deployment(updatedReplicas=1),
        deployment(availableReplicas=1),
    ],
)
def test_a_deployment_that_is_not_done_serves_and_is_not_ready(made):
    """Its controller lags, it scales, or it replaces pods."""
    found = readiness(SERVICE, [made], [])

    assert not found.ready
    assert found.serving


def test_a_service_that_kserve_has_not_seen_is_not_ready():
    """The Deployment is still that of the generation before."""
    unseen = {**SERVICE, "status": {"observedGeneration": 1}}

    assert not readiness(unseen, [deployment()], []).ready


@pytest.mark.parametrize("made", [[], [deployment(uid="of-one-before")]])
def test_a_deployment_of_another_life_does_not_count(made):
    """A service that was made anew has none until KServe makes it."""
    found = readiness(SERVICE, made, [])

    assert (found.ready, found.serving) == (False, False)
    assert found.message == "f-predict has no Deployment yet."


DOWN = deployment(availableReplicas=0, readyReplicas=0)


def test_the_schedulers_words_are_handed_on():
    """A node without room is what an operator has to know."""
    full = pod(conditions=[{"type": "PodScheduled", "status": "False", "message": "0/1 nodes: Insufficient cpu."}])

    found = readiness(SERVICE, [DOWN], [full])

    assert found.message == "f-predict has 0 of 2 replicas. 0/1 nodes: Insufficient cpu."
    assert found.fault is None


@pytest.mark.parametrize("statuses", ["initContainerStatuses", "containerStatuses"])
@pytest.mark.parametrize(("code", "fault"), [(3, "main: error: not the pinned one"), (4, None)])
def test_a_refusal_is_final_and_a_temporary_fault_is_not(code, fault, statuses):
    """`twinpin resolve` and `twinpin step` tell them apart by their exit code."""
    ended = {"terminated": {"exitCode": code, "message": "log\nerror: not the pinned one\n"}}
    failed = pod(**{statuses: [{"name": "main", "state": {"waiting": {}}, "lastState": ended}]})

    found = readiness(SERVICE, [DOWN], [failed])

    assert found.fault == fault
    assert "not the pinned one" in found.message


def test_what_mends_a_refusal_is_handed_on_with_it():
    """`twinpin resolve` says both, each in a line of its own."""
    message = "warned\nerror: Not a pair.\nmend:  twinpin promote --repair\n"
    ended = {"terminated": {"exitCode": 3, "message": message}}
    failed = pod(initContainerStatuses=[{"name": "resolve", "state": {"waiting": {}}, "lastState": ended}])

    assert readiness(SERVICE, [DOWN], [failed]).fault == "resolve: error: Not a pair. mend:  twinpin promote --repair"


def test_pods_that_are_forbidden_are_told_in_the_words_of_the_api_server():
    """A quota or a Pod Security Standard leaves no pod that could say anything."""
    refused = {"type": "ReplicaFailure", "status": "True", "message": 'pods "f" is forbidden: exceeded quota.'}
    none = deployment(replicas=0, availableReplicas=0, readyReplicas=0, conditions=[refused])

    found = readiness(SERVICE, [none], [])

    assert found.message == 'f-predict has 0 of 2 replicas. pods "f" is forbidden: exceeded quota.'
    assert found.fault is None


@pytest.mark.parametrize(("namespace", "fits"), [("n" * 43, True), ("n" * 44, False)])
def test_a_name_that_kserve_has_no_room_for_is_told_at_once(namespace, fits):
    """Nothing would ever come of it, and the words of KServe are in an Event that nobody reads."""
    service = {**SERVICE, "metadata": {**SERVICE["metadata"], "namespace": namespace}}

    found = readiness(service, [], [])

    assert (found.fault is None) == fits
    assert fits or "shorter name" in found.fault
