"""Pairs that cannot serve, and pairs that find no room, under load: docs/operations.md says how each of them looks."""

import pytest
from cluster_follower import UNHURRIED, rejection
from cluster_load import load
from cluster_nights import unloadable, wrong_example
from cluster_seats import filled

pytestmark = pytest.mark.cluster

#: As in test_cluster_accidents_alias.py.
STEADY = {"clients": 8, "rate": 55.0}
#: Seconds that a pair gets which cannot become ready.
HURRIED = 30


def test_a_pair_whose_forecast_is_not_the_recorded_one_is_left_alone(followed, night, questions, measured, accident):
    """The probe finds it before any request does; it is tried once."""
    pair = night.newcomer(spoil=wrong_example)
    seen, why = left_alone(followed, night, questions, pair, accident)
    measured("forecast that is not the recorded one", seen.told())

    assert seen.lost == 0, seen.told()
    assert why["reason"] == "WrongForecast"
    assert "the recorded one" in why["message"]
    assert why["count"] == 1


def test_a_pair_that_does_not_load_is_left_alone(followed, night, questions, measured, accident):
    """Its pods break off with what they say of the model, which is final: nobody waits for them any longer."""
    pair = night.newcomer(spoil=unloadable)
    seen, why = left_alone(followed, night, questions, pair, accident)
    measured("model that does not load", seen.told())

    assert seen.lost == 0, seen.told()
    assert why["reason"] == "NotLoading"
    assert "cannot read the model's file" in why["message"]
    assert why["count"] == 1


def left_alone(release, night, questions, pair, accident):
    """Promote a pair that is bad, and see it rejected and removed while the pair before serves everything."""
    before = release.rollout
    with load(release.namespace, questions.mixed(release, pair, *release.earlier), **STEADY) as seen:
        night.promote(pair)
        release.await_rejection(pair)
        release.await_emptied()
        why = rejection(release.record, pair)
        told = [each for each in release.told("Rejected") if pair.label in each]
        release.await_gone(why["pair"])
        accident.await_panel(lambda pairs: pairs > 0, reason=why["reason"])
        accident.await_alert(reason=why["reason"])
        night.promote(release.pair)
        release.await_settled()
        accident.await_over()
    assert not seen.of(pair)
    assert release.rollout == before
    assert len(told) == 1
    assert why["reason"] in told[0]
    return seen, why


def test_a_pair_that_finds_no_room_is_left_alone_and_comes_live_on_demand(
    followed, night, questions, *, measured, seat, accident
):
    """The scheduler's own words are the reason; when there is room again, `twinpin rollout --retry` is all it takes."""
    pair, before = night.newcomer(), followed.rollout
    followed.wish(progressDeadline=HURRIED)
    with load(followed.namespace, questions.mixed(followed, pair, *followed.earlier), **STEADY) as seen:
        with filled(followed.namespace, seat):
            night.promote(pair)
            why = followed.await_rejection(pair)
            followed.await_emptied()
            meanwhile = followed.rollout
            accident.await_panel(lambda pairs: pairs > 0, reason="NeverReady")
            accident.await_alert(reason="NeverReady")
        followed.wish(progressDeadline=UNHURRIED)
        told = followed.twinpin("rollout", "--retry")
        followed.await_live(pair)
        accident.await_over()
    measured("no room for the new pods", seen.told())

    assert seen.lost == 0, seen.told()
    assert why["reason"] == "NeverReady"
    assert f"Insufficient {seat}" in why["message"]
    assert meanwhile == before
    assert f"serving:   {pair.label}" in told
