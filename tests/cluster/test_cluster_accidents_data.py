"""Accidents of load and of data, under load: docs/operations.md says how each of them looks."""

import pytest
from cluster_load import load
from cluster_slow_store import slow_store
from cluster_watch import COLUMN
from served_world import COLUMNS, row

pytestmark = [pytest.mark.cluster, pytest.mark.unhurried]

#: Clients that ask for entities at once, more than the 64 that a pod takes, and their requests a second.
CROWD = {"clients": 110, "rate": 110.0}
#: What is added to one series: as if its sensor told it in another unit.
SHIFT = 1000.0
#: Seconds of usual values: the minute that is compared with, and a minute before it.
PAST = 130
#: Seconds until the mean of a minute has been far from that of the minute before for a minute.
DRIFTED = 200


@pytest.fixture
def ask(followed, questions):
    """Asks the release, on the pair that serves or one whose routers are still ending."""
    return questions.Asking(followed, (followed.pair, *followed.earlier))


@pytest.fixture
def by_entity(ask):
    """Location 1, as the store has it."""
    return ask.plain("/predict/feast", {"entities": 1}, row(1))


@pytest.fixture
def by_columns(ask, questions):
    """The same location's row, as a client sends it."""
    return ask.plain("/predict", {"data": questions.columns(1)}, row(1))


def test_requests_that_wait_for_the_store_are_told(followed, world, by_entity, by_columns, *, measured, accident):
    """Redis stands still for over a second at a time; nobody is refused."""
    with load(followed.namespace, [by_entity, by_columns], clients=8, rate=40.0) as seen:
        with slow_store(world, seconds=1.6):
            accident.await_panel(lambda seconds: seconds > 1, endpoint="/predict/feast")
            accident.await_alert()
        accident.await_over()
    measured("a store that is slow", seen.told())

    assert seen.mixed == 0, seen.told()
    assert set(seen.report["statuses"]) <= {"200", "503"}, seen.told()
    assert seen.ended_well, seen.told()


def test_what_is_more_than_pods_take_is_turned_away(followed, world, by_entity, measured, accident):
    """More clients wait for a store that stands still than the gateway has room for."""
    with load(followed.namespace, [by_entity], **CROWD) as seen:
        with slow_store(world, seconds=1.2):
            accident.await_panel(lambda rate: rate > 0, status="429")
            accident.await_alert()
        accident.await_over()
    measured("more requests than pods take", seen.told())

    assert seen.mixed == 0, seen.told()
    assert {"200", "429"} <= set(seen.report["statuses"]) <= {"200", "429", "503"}, seen.told()
    assert seen.ended_well, seen.told()


def test_features_that_nobody_renewed_are_told(followed, by_entity, by_columns, measured, accident):
    """They are older than allowed, until older ones will do."""
    with load(followed.namespace, [by_entity, by_columns], clients=4, rate=30.0) as seen:
        followed.upgrade({"features": {"maxAge": 60}})
        accident.await_panel(lambda rate: rate > 0)
        accident.await_alert()
        followed.upgrade({"features": {"maxAge": None}})
        accident.await_over()
    measured("features that are stale", seen.told())
    failed = {seen.questions[each.question].name for each in seen.asked if seen.fault(each)}

    assert seen.mixed == 0, seen.told()
    assert set(seen.report["statuses"]) == {"200", "422"}, seen.told()
    assert failed == {by_entity.name}
    assert seen.ended_well, seen.told()


def test_values_that_moved_are_told(followed, ask, questions, measured, accident):
    """A series comes in another unit all at once, until it is mended."""
    usual = [
        ask.plain("/predict", {"data": questions.columns(each, 2 * each)}, row(each, 2 * each)) for each in (1, 2, 3)
    ]
    moved = row(1).assign(**{name: row(1)[name] + SHIFT for name in COLUMNS if name.startswith("level")})
    shifted = ask.plain("/predict", {"data": questions.columns_of(moved)}, moved)
    with load(followed.namespace, usual, clients=4, rate=20.0) as before:
        accident.await_past(PAST)
    with load(followed.namespace, [shifted], clients=4, rate=20.0) as seen:
        accident.await_panel(lambda mean: mean > SHIFT / 10)
        accident.await_alert(DRIFTED, column=COLUMN)
    with load(followed.namespace, usual, clients=4, rate=20.0) as after:
        accident.await_over(DRIFTED)
    measured("values that moved", [each.told() for each in (before, seen, after)])

    assert (before.lost, seen.lost, after.lost) == (0, 0, 0)
