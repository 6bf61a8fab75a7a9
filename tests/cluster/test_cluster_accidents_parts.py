"""Accidents of what a release is made of and stands on, under load: docs/operations.md says how each of them looks."""

import contextlib

import pytest
from cluster_load import load
from cluster_watch import THRESHOLDS
from served_world import row

pytestmark = [pytest.mark.cluster, pytest.mark.unhurried]

#: As in test_cluster_accidents_alias.py.
STEADY = {"clients": 8, "rate": 55.0}
#: An entity that nobody wrote features of.
STRANGER = 99


@contextlib.contextmanager
def stranded(release, world):
    """Lose the only pod of preprocess while MLflow is away, so that the next one waits; it is ready after the block."""
    world.stop_registry()
    try:
        release.namespace.delete_pod(release.pods("preprocess")[0]["metadata"]["name"])
        yield
    finally:
        world.start_registry()
    release.await_replicas("preprocess", 1)
    release.await_condition("Ready", "True", "Serving")


def test_a_step_without_a_ready_pod_is_told_until_it_has_one(followed, world, questions, measured, accident):
    """Requests fail meanwhile, and none after."""
    with load(followed.namespace, questions.mixed(followed, *followed.earlier), **STEADY) as seen:
        with stranded(followed, world):
            accident.await_panel(lambda serves: not serves)
            accident.await_alert()
        accident.await_over()
    measured("a step without a ready pod", seen.told())

    assert seen.mixed == 0, seen.told()
    assert seen.ended_well, seen.told()


def test_a_pod_that_waits_for_the_registry_is_told_until_it_is_ready(followed, world, accident):
    """It stays in Init, and does not tell its metrics."""
    with stranded(followed, world):
        accident.await_panel(lambda pods: pods > 0, app_kubernetes_io_component="preprocess")
        accident.await_alert(app_kubernetes_io_component="preprocess")
    accident.await_over()


def test_requests_that_fail_are_told(followed, world, questions, measured, accident):
    """A step is down: what needs it fails, until its pod is back."""
    with load(followed.namespace, questions.of_release(followed, *followed.earlier), **STEADY) as seen:
        with stranded(followed, world):
            accident.await_panel(lambda share: share > 0.01)
            accident.await_alert()
        accident.await_over()
    measured("requests that fail", seen.told())

    assert seen.mixed == 0, seen.told()
    assert seen.ended_well, seen.told()


def test_a_store_that_nobody_reaches_fails_what_names_entities_alone(followed, world, questions, measured, accident):
    """The name of Redis leads nowhere, and its connections are cut; requests with columns are answered."""
    with load(followed.namespace, questions.mixed(followed, *followed.earlier), **STEADY) as seen:
        world.hide_store()
        try:
            accident.await_panel(lambda rate: rate > 0, status="503")
            accident.await_alert()
        finally:
            world.show_store()
        accident.await_over()
    measured("a store that nobody reaches", seen.told())
    failed = {seen.questions[each.question].url for each in seen.asked if seen.fault(each)}

    assert seen.mixed == 0, seen.told()
    assert f"{followed.gateway_url}/predict/feast" in failed
    assert f"{followed.gateway_url}/predict" not in failed
    assert seen.ended_well, seen.told()


def test_entities_that_the_store_does_not_know_are_told(followed, questions, measured, accident):
    """Half of those that clients ask for; the other half is answered."""
    body = {"entities": [1, STRANGER], "partial": True}
    asked = questions.Asking(followed, (followed.pair,)).plain("/predict/feast", body, row(1))
    with load(followed.namespace, [asked], clients=2, rate=20.0) as seen:
        accident.await_panel(lambda rate: rate > 0)
        accident.await_alert()
    accident.await_over()
    measured("entities that the store does not know", seen.told())

    assert seen.lost == 0, seen.told()


def test_a_controller_that_is_gone_is_told_and_goes_on_when_it_is_back(followed, night, questions, measured, accident):
    """Somebody scaled it to nothing; the pair that was promoted meanwhile comes live when it is back."""
    pair, part = night.newcomer(), f"{followed.name}-controller"
    with load(followed.namespace, questions.mixed(followed, pair, *followed.earlier), **STEADY) as seen:
        followed.namespace.scale(part, 0)
        accident.await_alert()
        accident.await_silence()
        night.promote(pair)
        followed.namespace.scale(part, 1)
        followed.await_live(pair)
        accident.await_over()
    measured("a controller that is gone", seen.told())

    assert seen.lost == 0, seen.told()


def test_an_alias_that_is_not_followed_is_told_until_it_is(followed, night, questions, measured, accident):
    """The controller was paused, and forgotten."""
    pair = night.newcomer()
    with load(followed.namespace, questions.mixed(followed, pair, *followed.earlier), **STEADY) as seen:
        followed.wish(paused=True)
        night.promote(pair)
        accident.await_panel(lambda seconds: seconds > THRESHOLDS["aliasLagSeconds"])
        accident.await_alert()
        followed.wish(paused=False)
        followed.await_live(pair)
        accident.await_over()
    measured("an alias that is not followed", seen.told())

    assert seen.lost == 0, seen.told()
