"""A canary that is judged by the metrics of the steps' pods: it ends by itself when it is bad, and only then."""

import time

import pytest
from cluster_console import Console
from cluster_follower import condition
from cluster_load import load
from cluster_nights import without_imputer
from cluster_waits import until

pytestmark = [pytest.mark.cluster, pytest.mark.steady]

#: Clients and the pause of each between two requests, in seconds: 50 requests/s and more, with room to answer slowly.
STEADY = {"clients": 6, "pause": 0.05}
PERCENT = 10
#: Share of the requests to a pair that may fail, as its judge has it.
ALLOWED = 0.01
#: Seconds for which a good canary is watched after the first judgement of it, and after which a bad one is too late.
WATCHED, LATE = 40, 120


@pytest.fixture
def console(followed, night):
    """The commands of whoever looks after the release."""
    return Console(followed.namespace.name, followed.name, night.names, night.registrar.uri)


@pytest.fixture
def judged(followed, console):
    """A release that gives each new pair a tenth of the requests, and judges it by the usual limits."""
    console.done("canary", "--percent", PERCENT, "--auto-abort")
    yield followed
    followed.wish(canary=None)


def test_a_canary_that_fails_requests_ends_by_itself(judged, night, questions, measured, accident):
    """Its preprocessor cannot bear gaps: a third of its requests are refused, until all go to the pair before again."""
    pair, before = night.newcomer(spoil=without_imputer), judged.rollout
    asked = questions.of_release(judged, pair)
    with load(judged.namespace, asked, **STEADY) as seen:
        night.promote(pair)
        judged.await_record("its share", lambda record: record.get("percent") == PERCENT)
        begun = time.monotonic()
        why = judged.await_rejection(pair)
        took = time.monotonic() - begun
        judged.await_routers()
    accident.await_panel(lambda share: share > ALLOWED, pair=why["pair"])
    accident.await_alert(reason="Judged")
    with load(judged.namespace, asked, **STEADY) as after:
        judged.await_gone(why["pair"])
        night.promote(judged.pair)
        judged.await_settled()
        accident.await_over()
    measured("a canary that fails requests", f"ended after {took:.0f} s; {seen.told()}")
    measured("after it", after.told())

    assert why["reason"] == "Judged"
    assert "preprocess failed in the canary, 0 of" in why["message"]
    assert why["count"] == 1
    assert took < LATE
    assert set(seen.report["statuses"]) == {"200", "422"}, seen.told()
    assert seen.lost == seen.report["statuses"]["422"] < seen.report["right"] * PERCENT / 100, seen.told()
    assert after.lost == 0, after.told()
    assert judged.rollout == before
    assert [each for each in judged.told("Rejected") if pair.label in each]


@pytest.mark.unhurried
def test_a_canary_that_forecasts_elsewhere_ends_by_itself(judged, console, night, questions, measured):
    """No request fails: its forecasts alone lie far from those of the pair beside it."""
    pair, before = night.newcomer(), judged.rollout
    console.done("canary", "--percent", PERCENT, "--auto-abort", "--abort-drift", 1)
    with load(judged.namespace, questions.of_release(judged, pair), **STEADY) as seen:
        night.promote(pair)
        judged.await_record("its share", lambda record: record.get("percent") == PERCENT)
        why = judged.await_rejection(pair)
        judged.await_gone(why["pair"])
    measured("a canary that forecasts elsewhere", f"{why['message']} {seen.told()}")

    assert why["reason"] == "Judged"
    assert why["message"].startswith("The median forecast of")
    assert seen.lost == 0, seen.told()
    assert judged.rollout == before


def test_a_canary_that_does_as_well_goes_on_until_it_is_promoted(judged, console, night, questions, measured):
    """On a busy machine neither its errors nor its times are worse than chance allows."""
    pair = night.newcomer()
    with load(judged.namespace, questions.of_release(judged, pair), **STEADY) as seen:
        night.promote(pair)
        judged.await_condition("CanaryHealthy", "True", "WithinLimits")
        begun = time.monotonic()
        watched = until("its end", lambda: time.monotonic() - begun > WATCHED and judged.record, WATCHED + 9)
        console.done("canary", "--promote")
        judged.await_live(pair)
    measured("a canary that does well", seen.told())

    assert watched["percent"] == PERCENT
    assert condition(watched, "CanaryHealthy")["status"] == "True"
    assert seen.lost == 0, seen.told()
