"""A canary under load: it gets its share, whole chains alone answer, and either end of it loses nothing."""

import functools
import time

import pytest
from cluster_load import load
from cluster_waits import until

pytestmark = [pytest.mark.cluster, pytest.mark.steady, pytest.mark.timeout(1200)]

BRISK = {"clients": 40, "rate": 80}
SHARE, OFF_BY = 10.0, 1.5
REQUESTS = 5000


@pytest.fixture
def sharing(moving):
    """New pairs get their share first."""
    moving.console.done("canary", "--percent", int(SHARE))
    yield moving
    moving.console.done("canary", "--off")


def test_a_canary_gets_its_share_and_goes_either_way_without_loss(sharing, questions, measured):
    """One is promoted after five thousand requests, the next one is aborted and left alone."""
    release, home = sharing.release, sharing.release.pair
    good, other = sharing.newcomers(2)
    with load(release.namespace, questions.mixed(release, good, other), **BRISK) as seen:
        begin, end = shared(sharing, good, seen)
        sharing.console.done("canary", "--promote")
        release.await_live(good)
        sharing.ask(other)
        await_canary(release, other)
        sharing.console.done("canary", "--abort")
        why = release.await_rejection(other)
        release.await_emptied()
        release.await_routers()
        aborted = time.time()
        until("answers after it", lambda: seen.read() and len(seen.of(good, aborted)) > REQUESTS / 10, 120, every=5.0)
        sharing.rollback(good)
    share = 100 * len(seen.of(good, begin, end)) / len(seen.within(begin, end))
    measured("canary of 10 of 100", f"{share:.2f} of 100 in {len(seen.within(begin, end))} requests")
    measured("a canary promoted, another aborted", seen.told())

    assert (seen.lost, seen.mixed) == (0, 0), seen.told()
    assert abs(share - SHARE) <= OFF_BY
    assert len(seen.of(good, begin, end)) + len(seen.of(home, begin, end)) == len(seen.within(begin, end)) >= REQUESTS
    assert (why["reason"], why["count"]) == ("Aborted", 1)
    assert seen.of(other)
    assert not seen.of(other, aborted)


def shared(mover, pair, seen):
    """Let a pair have its share for some thousand requests; returns from when to when."""
    mover.ask(pair)
    await_canary(mover.release, pair)
    begin = time.time()
    until(f"{REQUESTS} requests", functools.partial(asked_since, seen, begin), 300, every=5.0)
    return begin, time.time()


def asked_since(seen, begin):
    """Whether enough was asked since a time, and how much."""
    seen.read()
    number = len(seen.within(begin))
    return number >= REQUESTS, number


def await_canary(release, pair):
    """Wait until every router gives a pair its share."""
    release.await_condition("Progressing", "True", "Canary")
    assert release.record["candidate"]["pair"].startswith(pair.label)
