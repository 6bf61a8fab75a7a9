"""All in one process per pod, which follows the alias: moves under load, bad pairs, and a registry that is down."""

import functools
import time

import pytest
from cluster_follower import condition, rejection
from cluster_load import load
from cluster_nights import wrong_example
from cluster_pairs import Names
from cluster_release import Release
from cluster_values import COLLAPSED, cached, merged, one_of_each, replicas
from cluster_waits import until

pytestmark = [pytest.mark.cluster, pytest.mark.steady]

NAMES = Names("pod_scaler", "pod_forecaster", "live")
FOLLOWS = {"controller": {"enabled": True, "pollSeconds": 2}}
STEADY = {"clients": 6, "rate": 60.0}

_PAIR = (
    "import json, urllib.request; "
    "print(json.load(urllib.request.urlopen('http://127.0.0.1:8080/health'))['pair']['id'])"
)
_REFUSED = (
    "import urllib.request; text = urllib.request.urlopen('http://127.0.0.1:8080/metrics').read().decode(); "
    "print([line for line in text.splitlines() if line.startswith('twinpin_pairs_refused_total')][0])"
)


class Pods(Release):
    """A release whose pods follow the alias themselves."""

    @property
    def record(self):
        """Read the status of its PairedGraph."""
        return self.namespace.get("PairedGraph", self.name)["status"]

    def ask(self, code):
        """Run Python in every pod; returns what each printed."""
        names = [each["metadata"]["name"] for each in self.pods("serve")]
        return [self.namespace.python(name, code).stdout.strip() for name in names]

    def await_live(self, pair, seconds=120.0):
        """Wait until every pod serves a pair; returns how long that took."""
        begun = time.monotonic()

        def all_serve():
            found = self.ask(_PAIR)
            return all(each.startswith(pair.label) for each in found), found

        until(f"{pair.label} in every pod", all_serve, seconds)
        self.pair = pair
        return time.monotonic() - begun

    def await_record(self, what, met, seconds=120.0):
        """Wait until something is true of the record; returns what was."""

        def look():
            found = met(self.record)
            return bool(found), found

        return until(f"{self.name}: {what}", look, seconds)


@pytest.fixture(scope="module")
def registrar(world):
    """Registers pairs of this module's own names, and moves their alias."""
    with world.registrar() as registrar:
        yield registrar


@pytest.fixture(scope="module")
def follows(world, namespace, registrar):
    """Two pods on a first pair, with a cache that outlives them."""
    first = registrar.register(NAMES, 1, promoted=True)
    world.rooms.make(namespace, "cache")
    values = merged(one_of_each(world, NAMES), COLLAPSED, FOLLOWS, cached("cache"), replicas(2, "serve"))
    return Pods(world, namespace, "pods", values, first).install()


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
    history = follows.record["history"]

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
        refused = follows.ask(_REFUSED)
    registrar.promote(follows.pair)
    told = [each["message"] for each in follows.namespace.events(follows.name) if each["reason"] == "Rejected"]
    measured("collapsed, a forecast that is not the recorded one", seen.told())

    assert seen.lost == 0, seen.told()
    assert set(seen.report["pairs"]) == {before}
    assert (why["reason"], why["count"]) == ("WrongForecast", 1)
    assert sorted(each.rpartition(" ")[2] for each in refused) == ["0.0", "1.0"]
    assert len(told) == 1


def test_with_the_registry_down_a_late_pod_serves_what_the_others_do(world, registrar, follows, questions, measured):
    """The record names the pair, and the cache has its files; the condition says that nobody can follow the alias."""
    label = registrar.register(NAMES, 4, promoted=True)
    follows.await_live(label)
    gone = follows.pods("serve")[0]["metadata"]["name"]
    with load(follows.namespace, questions.mixed(follows), **STEADY) as seen:
        world.stop_registry()
        try:
            follows.namespace.delete_pod(gone)
            follows.await_replicas("serve", 2)
            follows.namespace.await_gone(gone)
            follows.await_live(label)
            reason = follows.await_record("no registry", _unreached)
        finally:
            world.start_registry()
    measured("collapsed, a late pod with the registry down", seen.told())

    assert seen.lost == 0, seen.told()
    assert reason == "Unreachable"


def _unreached(record):
    """Why the registry does not answer; None where it does."""
    found = condition(record, "RegistryReachable")
    return found["reason"] if found.get("status") == "False" else None
