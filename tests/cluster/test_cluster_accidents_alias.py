"""Accidents of the alias and of the registry under load: docs/operations.md says how each of them looks."""

import datetime as dt

import pytest
from cluster_follower import condition
from cluster_load import load
from cluster_waits import until

pytestmark = pytest.mark.cluster

#: Clients, and the requests of every kind that they send in a second together, as long as the machine can.
STEADY = {"clients": 8, "rate": 55.0}


def test_an_alias_that_comes_back_before_the_rollout_is_done_changes_nothing(
    followed, night, questions, measured, accident
):
    """A to B to A: B's objects go again, and nobody was sent there."""
    before, pair = followed.rollout, night.newcomer()
    with load(followed.namespace, questions.mixed(followed, pair, *followed.earlier), **STEADY) as seen:
        night.promote(pair)
        begun = followed.await_record("a rollout of B", lambda record: (record.get("candidate") or {}).get("rollout"))
        accident.await_panel(bool, role="candidate")
        night.rollback()
        followed.await_gone(begun["candidate"]["rollout"])
    measured("alias A-B-A", seen.told())

    assert seen.lost == 0, seen.told()
    assert not seen.of(pair)
    assert followed.rollout == before


def test_a_half_moved_alias_is_waited_for_and_goes_on_when_repaired(followed, night, questions, measured, accident):
    """The promotion died between its two writes: for a minute nothing is made, then the pair comes live."""
    pair = night.newcomer()
    with load(followed.namespace, questions.mixed(followed, pair, *followed.earlier), **STEADY) as seen:
        night.registrar.die_half_way(pair)
        said = followed.await_condition("PairAccepted", "False", "HalfMoved")
        broken(accident)
        until("a minute of it", lambda: age(followed, "PairAccepted") > 60, 90)
        meanwhile = followed.of_rollouts()
        night.registrar.twinpin("promote", night.names, "--repair")
        followed.await_live(pair)
        accident.await_over()
    measured("alias half moved for a minute", seen.told())

    assert seen.lost == 0, seen.told()
    assert not [each for each in meanwhile if each.startswith(pair.label)]
    assert seen.of(pair)
    assert "twinpin promote --repair" in said


def broken(accident):
    """See what is told of an alias that names no pair."""
    accident.await_panel(lambda holds: not holds, type="PairAccepted")
    accident.await_alert()


def age(release, kind):
    """Seconds since a condition has been as it is."""
    since = dt.datetime.fromisoformat(condition(release.record, kind)["lastTransitionTime"])
    return (dt.datetime.now(dt.UTC) - since).total_seconds()


def test_an_alias_that_one_half_has_lost_changes_nothing(followed, night, questions, measured, accident):
    """Somebody deleted it from the preprocessor; what serves goes on, and setting it again is all that it takes."""
    before = followed.rollout
    with load(followed.namespace, questions.mixed(followed, *followed.earlier), **STEADY) as seen:
        night.take_alias(night.names.preprocessor)
        said = followed.await_condition("PairAccepted", "False", "HalfMoved")
        broken(accident)
        night.promote(followed.pair)
        followed.await_settled()
        accident.await_over()
    measured("alias deleted from one half", seen.told())

    assert seen.lost == 0, seen.told()
    assert night.names.preprocessor in said
    assert followed.rollout == before


def test_a_pair_that_is_deleted_while_it_rolls_out_is_given_up(followed, night, questions, measured, accident):
    """Its alias went with it; its objects go, and the pair before serves on."""
    pair, before = night.newcomer(), followed.rollout
    with load(followed.namespace, questions.mixed(followed, pair, *followed.earlier), **STEADY) as seen:
        night.promote(pair)
        begun = followed.await_record("its rollout", lambda record: (record.get("candidate") or {}).get("rollout"))
        night.forget(pair)
        said = followed.await_condition("PairAccepted", "False", "NoAlias")
        followed.await_gone(begun["candidate"]["rollout"])
        broken(accident)
        night.promote(followed.pair)
        followed.await_settled()
        accident.await_over()
    measured("candidate deleted from the registry", seen.told())

    assert seen.lost == 0, seen.told()
    assert not seen.of(pair)
    assert followed.rollout == before
    assert night.names.model in said


def test_a_pair_that_is_deleted_before_it_is_pinned_is_given_up(followed, night):
    """The controller comes back from a pause to an alias that is gone: it makes nothing, and says so."""
    pair = night.newcomer()
    followed.wish(paused=True)
    night.promote(pair)
    followed.await_record("the candidate", lambda record: record.get("candidate"))
    night.forget(pair)
    followed.wish(paused=False)
    said = followed.await_condition("Progressing", "False", "NoAlias")
    night.promote(followed.pair)
    followed.await_settled()

    assert "alias" in said
    assert not [each for each in followed.of_rollouts() if each.startswith(pair.label)]


def test_a_pair_that_is_deleted_while_it_serves_serves_on(followed, night, questions, measured, accident):
    """Its alias is gone with it; its pods never ask again, and the next promotion brings another pair live."""
    pair, before = night.newcomer(), followed.rollout
    with load(followed.namespace, questions.mixed(followed, pair, *followed.earlier), **STEADY) as seen:
        night.forget(followed.pair)
        followed.await_condition("PairAccepted", "False", "NoAlias")
        followed.await_condition("Ready", "True", "Serving")
        between = followed.rollout
        broken(accident)
        night.promote(pair)
        followed.await_live(pair)
        accident.await_over()
    measured("serving pair deleted from the registry", seen.told())

    assert seen.lost == 0, seen.told()
    assert between == before


def test_a_registry_that_goes_away_during_a_rollout_delays_it_alone(
    followed, world, night, questions, *, measured, accident
):
    """Once before the Pin is made, once after: the candidate waits blameless, then comes live."""
    pair = night.newcomer()
    followed.wish(paused=True)
    with load(followed.namespace, questions.mixed(followed, pair, *followed.earlier), **STEADY) as seen:
        night.promote(pair)
        followed.await_record("the candidate", lambda record: record.get("candidate"))
        world.stop_registry()
        followed.wish(paused=False)
        followed.await_condition("RegistryReachable", "False", "Unreachable")
        unpinned = followed.record["candidate"]
        accident.await_panel(lambda answers: not answers)
        accident.await_alert()
        world.start_registry()
        pinned = followed.await_record("its rollout", lambda record: (record.get("candidate") or {}).get("rollout"))
        world.lose_registry()
        waiting = until("its pods' wait", lambda: asking_in_vain(followed, pinned["candidate"]["rollout"]), 60)
        followed.await_condition("RegistryReachable", "False", "Unreachable")
        world.start_registry()
        followed.await_live(pair)
        accident.await_over()
    measured("registry down before and after the Pin", seen.told())

    assert seen.lost == 0, seen.told()
    assert "rollout" not in unpinned or unpinned["rollout"] is None
    assert waiting
    assert not followed.told("Rejected")


def asking_in_vain(release, rollout):
    """Find what pods of a rollout say of a registry that does not answer."""
    found = release.namespace.list("Event")
    return [
        each["message"]
        for each in found
        if rollout in each["involvedObject"]["name"] and "does not answer" in each["message"]
    ]
