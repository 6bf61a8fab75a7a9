"""A gateway that runs the graph itself, which a controller writes: the alias moves under every kind of request.

No router is there, so the namespace lets in restricted pods alone.
"""

import time

import pytest
from cluster_load import load
from cluster_namespaces import namespace as make_namespace
from cluster_waits import until

pytestmark = [pytest.mark.cluster, pytest.mark.steady, pytest.mark.timeout(1200)]

#: Clients, and the requests a second that they ask together while answers take less than half a second.
STEADY = {"clients": 30, "rate": 60}
#: Promotions, and then as many rollbacks.
ROUNDS = 2
#: Of 100 requests, and how far the share that is counted may be from it: three standard deviations of so many.
SHARE, OFF_BY, REQUESTS = 10.0, 3.0, 1000


@pytest.fixture(scope="module")
def dawn(api, world):
    """Two gateways that run the graph, one pod of every step, and whoever moves its alias."""
    from cluster_follower import DirectFollower, following  # noqa: PLC0415 -- see conftest
    from cluster_moves import Mover  # noqa: PLC0415
    from cluster_pairs import Names  # noqa: PLC0415
    from cluster_values import DIRECT, merged, replicas  # noqa: PLC0415

    names = Names("dawn_scaler", "dawn_forecaster", "live")
    values = merged(following(world, names), replicas(2, "gateway"), DIRECT)
    with make_namespace(api, "dawn") as place, world.registrar() as registrar:
        pair = registrar.register(names, 0, promoted=True)
        yield Mover(DirectFollower(world, place, "dawn", values, pair).install(), registrar)


def test_it_waits_for_its_first_pair_and_then_takes_every_kind_of_request(dawn, questions):
    """The chart gives the gateway no graph, the controller does, and makes no InferenceGraph."""
    with dawn.release.gateway() as address:
        for kind in questions.GATEWAY:
            kind(address, dawn.release.pair)

    assert dawn.release.namespace.list("InferenceGraph") == []


def test_no_move_of_the_alias_mixes_a_pair_or_loses_a_request(dawn, questions, measured):
    """Promotions to pairs that never ran, and rollbacks, while REST and gRPC come."""
    from cluster_moves import summed  # noqa: PLC0415 -- see conftest

    home, pairs = dawn.release.pair, dawn.newcomers(ROUNDS)
    moves = []
    with load(dawn.release.namespace, questions.mixed(dawn.release, *pairs), **STEADY) as seen:
        for pair in pairs:
            moves += [dawn.promote(pair), dawn.rollback(home)]
    measured("mode direct: promotions and rollbacks", seen.told())
    for verb in ("promotion", "rollback"):
        mine = [move for move in moves if move.verb == verb]
        measured(f"mode direct, {verb}: alias to first answer", summed(move.first(seen, moves) for move in mine))
        measured(f"mode direct, {verb}: alias to last of the old", summed(move.last(seen, moves) for move in mine))

    assert (seen.lost, seen.mixed) == (0, 0), seen.told()
    assert {each.question for each in seen.asked} == set(range(len(seen.questions)))


def test_an_upgrade_of_the_chart_leaves_a_canary_its_share(dawn, questions, measured):
    """Helm replaces the gateways while the canary runs: the graph in them stays the controller's."""
    release, (pair,) = dawn.release, dawn.newcomers(1)
    dawn.console.done("canary", "--percent", int(SHARE))
    with load(release.namespace, questions.mixed(release, pair), **STEADY) as seen:
        dawn.ask(pair)
        release.await_condition("Progressing", "True", "Canary")
        begin = time.time()
        release.upgrade({"gateway": {"podAnnotations": {"example.com/changed": "yes"}}}, wait=False)
        until("gateways that Helm changed", lambda: changed(release), 180)
        until("enough requests", lambda: seen.read() and len(seen.within(begin)) >= REQUESTS, 120, every=5.0)
        end = time.time()
        dawn.console.done("canary", "--promote")
        release.await_live(pair)
    dawn.console.done("canary", "--off")
    share = 100 * len(seen.of(pair, begin, end)) / len(seen.within(begin, end))
    measured("mode direct: a canary of 10 of 100", f"{share:.2f} of 100 in {len(seen.within(begin, end))} requests")
    measured("mode direct: a canary, an upgrade and its promotion", seen.told())

    assert (seen.lost, seen.mixed) == (0, 0), seen.told()
    assert abs(share - SHARE) <= OFF_BY


def changed(release):
    """Whether all ready gateways are those of the upgrade, and hold both chains."""
    found = release.namespace.ready_pods(release.deployment("gateway"))
    new = [each for each in found if "example.com/changed" in each["metadata"].get("annotations", {})]
    return len(new) == len(found) == 2 and all(len(release.led_to(each)) == 2 for each in new)
