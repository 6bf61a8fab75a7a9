"""A controller that is killed again and again while it moves a release under load: the next one goes on."""

import collections
import functools
import itertools
import random
import re
import time

import pytest
from cluster_controllers import controller
from cluster_follower import condition
from cluster_load import load
from cluster_waits import until

pytestmark = [pytest.mark.cluster, pytest.mark.steady, pytest.mark.timeout(1800)]

STEADY = {"clients": 30, "rate": 60}
KILLS = 30
#: Seconds that a controller may work before it is killed: one look and more, and a promotion takes several lives.
LIFE = 12.0
PAIRS = 6
#: A rollout in the name of an object.
NAMED = re.compile(r"p\d+-m\d+-[0-9a-f]{6}")


@pytest.fixture
def alone(moving):
    """The release without a controller of its own."""
    moving.release.upgrade({"controller": {"replicas": 0, "keep": 1}})
    moving.release.namespace.await_pods(f"{moving.release.name}-controller", 0)
    yield moving
    moving.release.upgrade({"controller": {"replicas": 1}})


def test_a_controller_that_is_killed_at_any_moment_loses_mixes_and_leaves_nothing(alone, questions, measured, tmp_path):
    """Thirty times, while a pair is on its way or an old one is removed; the last controller ends it all."""
    draw, pairs = random.Random(30), alone.newcomers(PAIRS)
    wanted = itertools.cycle(pairs)
    with load(alone.release.namespace, questions.mixed(alone.release, *pairs), **STEADY) as seen:
        work = list(itertools.islice(at_work(alone, wanted, draw, tmp_path), KILLS))
        with controller(alone, tmp_path):
            alone.release.await_live(alone.wanted)
            until("nothing but what serves and stays warm", functools.partial(tidy, alone.release), 180)
    measured("30 kills of the controller", seen.told())
    measured("what the record said at the kills", dict(collections.Counter(work)))

    assert (seen.lost, seen.mixed) == (0, 0), seen.told()
    assert len(set(work)) > 2, work


def at_work(mover, pairs, draw, folder):
    """Kill controllers for ever; gives what the record said, each time that something was under way."""
    while True:
        if mover.release.serves(mover.wanted):
            mover.ask(next(pairs))
        with controller(mover, folder) as working:
            working.await_lease()
            time.sleep(draw.uniform(0, LIFE))
            working.kill()
        record = mover.release.record
        said = condition(record, "Progressing")
        if said["status"] == "True" or not mover.release.serves(mover.wanted):
            yield said["reason"]


def tidy(release):
    """Whether every object that names a rollout is of the one that serves or of the one that stays warm."""
    record = release.record
    wanted = {record["stable"]["rollout"], *record["kept"]}
    left = [each for each in release.namespace.contents() if not set(NAMED.findall(each)) <= wanted]
    return len(wanted) == 2 and not left, left
