"""Accidents of load and of data, under load: docs/operations.md says how each of them looks."""

import json

import pytest
from cluster_load import Question, load
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


def of_rows(release, name, rows):
    """Ask for a forecast of rows that the client sends."""
    table = rows.astype(object)
    body = {"data": {column: table[column].where(table[column].notna(), None).tolist() for column in COLUMNS}}
    return asked(release, name, "/predict", body, rows)


def of_entity(release, location):
    """Ask for a forecast of an entity."""
    return asked(release, f"entity {location}", "/predict/feast", {"entities": location}, row(location))


def asked(release, name, path, body, rows):
    """Put the forecast of each pair that may answer to a body."""
    forecasts = {pair.label: pair.forecast(rows).ravel().tolist() for pair in (release.pair, *release.earlier)}
    return Question(name, f"{release.gateway_url}{path}", json.dumps(body).encode(), forecasts)


def ended_well(seen):
    """Whether the last request of a load was answered rightly."""
    return not seen.fault(max(seen.asked, key=lambda each: each.begun))


def test_requests_that_wait_for_the_store_are_told(followed, world, measured, accident):
    """Redis stands still for over a second at a time; nobody is refused."""
    questions = [of_entity(followed, 1), of_rows(followed, "columns", row(1))]
    with load(followed.namespace, questions, clients=8, rate=40.0) as seen:
        with slow_store(world, seconds=1.6):
            accident.await_panel(lambda seconds: seconds > 1, endpoint="/predict/feast")
            accident.await_alert()
        accident.await_over()
    measured("a store that is slow", seen.told())

    assert seen.mixed == 0, seen.told()
    assert set(seen.report["statuses"]) <= {"200", "503"}, seen.told()
    assert ended_well(seen), seen.told()


def test_what_is_more_than_pods_take_is_turned_away(followed, world, measured, accident):
    """More clients wait for a store that stands still than the gateway has room for."""
    with load(followed.namespace, [of_entity(followed, 1)], **CROWD) as seen:
        with slow_store(world, seconds=1.2):
            accident.await_panel(lambda rate: rate > 0, status="429")
            accident.await_alert()
        accident.await_over()
    measured("more requests than pods take", seen.told())

    assert seen.mixed == 0, seen.told()
    assert {"200", "429"} <= set(seen.report["statuses"]) <= {"200", "429", "503"}, seen.told()
    assert ended_well(seen), seen.told()


def test_features_that_nobody_renewed_are_told(followed, measured, accident):
    """They are older than allowed, until older ones will do."""
    questions = [of_entity(followed, 1), of_rows(followed, "columns", row(1))]
    with load(followed.namespace, questions, clients=4, rate=30.0) as seen:
        followed.upgrade({"features": {"maxAge": 60}})
        accident.await_panel(lambda rate: rate > 0)
        accident.await_alert()
        followed.upgrade({"features": {"maxAge": None}})
        accident.await_over()
    measured("features that are stale", seen.told())
    failed = {seen.questions[each.question].name for each in seen.asked if seen.fault(each)}

    assert seen.mixed == 0, seen.told()
    assert set(seen.report["statuses"]) == {"200", "422"}, seen.told()
    assert failed == {"entity 1"}
    assert ended_well(seen), seen.told()


def test_values_that_moved_are_told(followed, measured, accident):
    """A series comes in another unit all at once, until it is mended."""
    usual = [of_rows(followed, f"location {each}", row(each, 2 * each)) for each in (1, 2, 3)]
    moved = row(1).assign(**{name: row(1)[name] + SHIFT for name in COLUMNS if name.startswith("level")})
    shifted = of_rows(followed, "another unit", moved)
    with load(followed.namespace, usual, clients=4, rate=20.0) as before:
        accident.await_past(PAST)
    with load(followed.namespace, [shifted], clients=4, rate=20.0) as seen:
        accident.await_panel(lambda mean: mean > SHIFT / 10)
        accident.await_alert(DRIFTED, column=COLUMN)
    with load(followed.namespace, usual, clients=4, rate=20.0) as after:
        accident.await_over(DRIFTED)
    measured("values that moved", [each.told() for each in (before, seen, after)])

    assert (before.lost, seen.lost, after.lost) == (0, 0, 0)
