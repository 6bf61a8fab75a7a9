"""Everything in one process per pod, which follows the alias: moves under load, and all that may be wrong with them."""

import contextlib
import time

import pytest
from cluster_load import load
from cluster_release import installed
from cluster_values import COLLAPSED, merged, one_of_each, replicas
from cluster_waits import until

pytestmark = pytest.mark.cluster

FOLLOWS = {"controller": {"enabled": True, "pollSeconds": 2}}


@pytest.fixture(scope="module")
def follows(world, namespace):
    """Two pods on pair A."""
    from cluster_world import SEA  # noqa: PLC0415

    values = merged(one_of_each(world, SEA), COLLAPSED, FOLLOWS, replicas(2, "serve"))
    return installed(world, namespace, "pods", values, world.pairs["A"])


def record(release):
    """The status of its PairedGraph."""
    return release.namespace.get("PairedGraph", release.name)["status"]


def serving(release):
    """The pair that each pod serves, by its own word."""
    found = {}
    for pod in release.pods("serve"):
        name = pod["metadata"]["name"]
        told = release.namespace.python(name, _ASK)
        found[name] = told.stdout.strip() or told.stderr
    return found


_ASK = (
    "import json, urllib.request; "
    "print(json.load(urllib.request.urlopen('http://127.0.0.1:8080/health'))['pair']['id'])"
)


def until_all_serve(release, pair, seconds=120):
    """Wait until every pod serves a pair; returns the seconds that it took."""
    begun = time.monotonic()

    def all_serve():
        found = serving(release)
        return all(each.startswith(pair.label) for each in found.values()), found

    until(f"pair {pair.label} in every pod", all_serve, seconds)
    return time.monotonic() - begun


@contextlib.contextmanager
def moved(world, pair):
    """Move the alias, and put it back on pair A."""
    with world.registrar() as registrar:
        registrar.promote(pair)
    yield
    with world.registrar() as registrar:
        registrar.promote(world.pairs["A"])


def test_moves_of_the_alias_lose_and_mix_nothing(world, follows, questions, measured):
    """There and back, and again; every answer is compared with the forecast of the pair in its stamp."""
    first, second = world.pairs["A"], world.pairs["B"]
    times = []
    with load(follows.namespace, questions.of_release(follows, second), clients=6, pause=0.01) as seen:
        for pair in (second, first) * 2:
            with world.registrar() as registrar:
                registrar.promote(pair)
            times.append(round(until_all_serve(follows, pair), 1))
    measured("collapsed, two pods: seconds from the alias until all serve, forward and back in turn", times)
    measured("collapsed: requests during the moves", seen.told())
    history = record(follows)["history"]

    assert seen.lost == 0, seen.told()
    assert set(seen.report["pairs"]) == {each["pair"] for each in history}
    assert [each["outcome"] for each in history[:2]] == ["Serving", "Replaced"]
