"""All in one process per pod, which follows the alias: moves under load, and a bad pair."""

import functools

import pytest
from cluster_follower import rejection
from cluster_load import load
from cluster_nights import wrong_example
from cluster_pod_followers import NAMES
from cluster_waits import until

pytestmark = [pytest.mark.cluster, pytest.mark.steady]

STEADY = {"clients": 6, "rate": 60.0}

_REFUSED = (
    "import urllib.request; text = urllib.request.urlopen('http://127.0.0.1:8080/metrics').read().decode(); "
    "print([line for line in text.splitlines() if line.startswith('twinpin_pair_refused')][0])"
)


def test_moves_of_the_alias_lose_and_mix_nothing(registrar, follows, questions, measured):
    """There and back, twice; every answer, of REST and gRPC, is compared with the forecast of the pair in its stamp."""
    first, second = follows.pair, registrar.register(NAMES, 2)
    seconds = []
    with load(follows.namespace, questions.mixed(follows, second), **STEADY) as seen:
        for pair in (second, first) * 2:
            registrar.promote(pair)
            seconds.append(round(follows.await_live(pair), 1))
    measured("collapsed, two pods: seconds from the alias until both serve; there, back, there, back", seconds)
    measured("collapsed, two pods: requests during the moves", seen.told())
    history = [each for each in follows.record["history"] if each["outcome"] != "Rejected"][:5]

    assert seen.lost == 0, seen.told()
    assert set(seen.report["pairs"]) == {each["pair"] for each in history}
    assert [each["outcome"] for each in history] == ["Serving"] + ["Replaced"] * 4
    assert all(each["movedBy"] for each in history[:4])


def test_a_bad_pair_is_tried_by_one_pod_and_refused_for_all(registrar, follows, questions, measured):
    """Its forecast is not the recorded one: the pair before serves all the time, and the record says why."""
    before, bad = follows.record["stable"]["pair"], registrar.register(NAMES, 3, spoil=wrong_example)
    with load(follows.namespace, questions.mixed(follows, bad), **STEADY) as seen:
        registrar.promote(bad)
        why = follows.await_record("the rejection", functools.partial(rejection, pair=bad))
        until("all pods to tell of it", lambda: set(follows.ask(_REFUSED)) == {"twinpin_pair_refused 1.0"}, 60)
    registrar.promote(follows.pair)
    told = [each["message"] for each in follows.namespace.events(follows.name) if each["reason"] == "Rejected"]
    measured("collapsed, a forecast that is not the recorded one", seen.told())

    assert seen.lost == 0, seen.told()
    assert set(seen.report["pairs"]) == {before}
    assert (why["reason"], why["count"]) == ("WrongForecast", 1)
    assert len(told) == 1
