"""Accidents of pods that follow the alias themselves, under load: docs/operations.md says how each of them looks."""

import functools

import pytest
from cluster_follower import condition, rejection
from cluster_load import load
from cluster_nights import devouring
from cluster_pod_followers import NAMES
from cluster_watch import watch as look_after

pytestmark = [pytest.mark.cluster, pytest.mark.steady]

STEADY = {"clients": 6, "rate": 60.0}
#: Requests that are lost with a pod whose memory ends: those of a second or two until its Service has heard.
TORN = 60
#: Processes that a pair may end, and the seconds until a third try is refused: each end is noticed by its silence.
ENDS, REFUSED = 2, 240.0
#: As a disk that is full: the process writes no byte to a file any more, and its clients notice nothing.
FILL = "import resource; resource.prlimit(1, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))"


@pytest.fixture(scope="module")
def watch(follows):
    """A Prometheus that looks after these pods."""
    with look_after(follows) as made:
        yield made


def test_with_the_registry_down_a_late_pod_serves_what_the_others_do(
    world, registrar, follows, questions, *, measured, accident
):
    """The record names the pair, and the cache has its files; the condition says that nobody can follow the alias."""
    pair = registrar.register(NAMES, 6, promoted=True)
    follows.await_live(pair)
    gone = follows.pods("serve")[0]["metadata"]["name"]
    with load(follows.namespace, questions.mixed(follows), **STEADY) as seen:
        world.stop_registry()
        try:
            follows.namespace.delete_pod(gone)
            follows.await_replicas("serve", 2)
            follows.namespace.await_gone(gone)
            follows.await_live(pair)
            reason = follows.await_record("no registry", _unreached)
            accident.await_panel(lambda answers: not answers)
            accident.await_alert()
        finally:
            world.start_registry()
        accident.await_over()
    measured("collapsed, a late pod with the registry down", seen.told())

    assert seen.lost == 0, seen.told()
    assert reason == "Unreachable"


def _unreached(record):
    """Why the registry does not answer; None where it does."""
    found = condition(record, "RegistryReachable")
    return found["reason"] if found.get("status") == "False" else None


def test_one_pod_that_cannot_load_the_pair_stays_on_its_own(registrar, follows, questions, measured, accident):
    """The others go on without it; a pod that starts in its place serves what they do."""
    before, pair = follows.pair, registrar.register(NAMES, 4)
    full = follows.pods("serve")[0]["metadata"]["name"]
    filled = follows.namespace.python(full, FILL)
    assert filled.returncode == 0, filled.stderr
    with load(follows.namespace, questions.mixed(follows, pair), **STEADY) as seen:
        registrar.promote(pair)
        follows.await_record("the pair", lambda record: record["stable"]["pair"].startswith(pair.label))
        accident.await_panel(lambda behind: behind > 0)
        accident.await_alert(pod=full)
        served = follows.pairs()
        follows.namespace.delete_pod(full)
        follows.namespace.await_gone(full)
        follows.await_replicas("serve", 2)
        follows.await_live(pair)
        accident.await_over()
    measured("collapsed, a pod that cannot load the pair", seen.told())

    assert seen.lost == 0, seen.told()
    assert sorted(each.startswith(before.label) for each in served) == [False, True]


def test_a_pair_that_takes_all_memory_ends_two_processes_and_no_more(registrar, follows, questions, measured, accident):
    """A pod is killed as it loads the pair, then another or the same; then nobody tries, and the pair before serves."""
    before, pair = follows.record["stable"]["pair"], registrar.register(NAMES, 5, spoil=devouring)
    with load(follows.namespace, questions.mixed(follows, pair), **STEADY) as seen:
        registrar.promote(pair)
        why = follows.await_record("the rejection", functools.partial(rejection, pair=pair), REFUSED)
        accident.await_panel(lambda pairs: pairs > 0)
        accident.await_alert()
        registrar.promote(follows.pair)
        follows.await_replicas("serve", 2)
        follows.await_live(follows.pair)
    measured("collapsed, a pair that takes all memory", seen.told())
    states = [each for pod in follows.pods("serve") for each in pod["status"]["containerStatuses"]]
    ended = {each["lastState"]["terminated"]["reason"] for each in states if each["restartCount"]}

    assert why["reason"] == "DiedLoading"
    assert sum(each["restartCount"] for each in states) == ENDS
    assert ended == {"OOMKilled"}
    assert set(seen.report["pairs"]) == {before}
    assert seen.lost <= ENDS * TORN, seen.told()
    accident.await_over()
