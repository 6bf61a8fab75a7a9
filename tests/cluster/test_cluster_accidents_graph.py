"""Accidents of the graph and of its routers under load: docs/operations.md says how each of them looks."""

import json

import pytest
from cluster_follower import LIVE, rollouts_of
from cluster_load import load
from cluster_waits import until

pytestmark = pytest.mark.cluster

#: As in test_cluster_accidents_alias.py.
STEADY = {"clients": 8, "rate": 55.0}
#: Seconds without any router, from the deletion of the graph to new ones, on a busy machine of two cores.
GAP = 45.0
#: Seconds in which a graph is put back and the routers that had begun with the edit are gone.
NOTICED = 10.0


def test_a_router_that_is_killed_at_the_switch_takes_few_requests_with_it(followed, night, questions, measured):
    """One with the old graph and one with the new are torn away; the switch is made all the same."""
    pair = night.newcomer()
    with load(followed.namespace, questions.mixed(followed, pair, *followed.earlier), **STEADY) as seen:
        old = followed.pods("graph")
        night.promote(pair)
        until("the switch", lambda: pair.label in json.dumps(plain(followed)), LIVE, every=0.1)
        followed.namespace.delete_pod(old[0]["metadata"]["name"], force=True)
        new = until("a router with the new graph", lambda: with_graph_of(followed, pair), 120, every=0.1)
        followed.namespace.delete_pod(new[0], force=True)
        followed.await_live(pair)
    measured("routers killed at the switch", seen.told())

    assert seen.mixed == 0, seen.told()
    assert seen.lost <= 4 * STEADY["clients"], seen.told()


def with_graph_of(release, pair):
    """Name the ready routers that send to a pair."""
    found = release.namespace.ready_pods(release.deployment("graph"))
    return [
        each["metadata"]["name"] for each in found if any(name.startswith(pair.label) for name in rollouts_of(each))
    ]


def test_a_graph_that_is_edited_by_hand_is_put_back(followed, questions, measured, accident):
    """Somebody lets the predict of the pair before follow the preprocess of this one: it does not last."""
    nodes = plain(followed)
    with load(followed.namespace, questions.mixed(followed, *followed.earlier), **STEADY) as seen:
        followed.edit_graph({"spec": {"nodes": mixing(followed)}})
        until("the graph as it was", lambda: plain(followed) == nodes, 60)
        followed.await_ready()
        accident.await_panel(lambda writes: writes > 0, reason="PutBack")
        accident.await_alert()
        accident.await_over()
    measured("graph edited by hand", seen.told())

    assert seen.mixed == 0, seen.told()
    assert seen.report["lost_for"] <= NOTICED, seen.told()
    assert followed.told("PutBack")


def test_a_graph_that_mixes_two_pairs_is_refused_by_the_stamp(followed, questions, measured, accident):
    """The same while the controller is paused: routers take it up, and predict refuses what they send."""
    with load(followed.namespace, questions.of_release(followed, *followed.earlier), **STEADY) as seen:
        followed.wish(paused=True)
        followed.edit_graph({"spec": {"nodes": mixing(followed)}})
        until("a router that mixes", lambda: any(len(each) > 1 for each in leading(followed)), 120)
        accident.await_panel(lambda refused: refused > 0)
        accident.await_alert()
        followed.wish(paused=False)
        followed.await_ready()
        accident.await_over()
    measured("graph that mixes two pairs by hand", seen.told())

    assert seen.mixed == 0, seen.told()
    assert set(seen.report["statuses"]) == {"200", "409"}, seen.told()


def leading(release):
    """List to which rollouts each ready router leads."""
    return [rollouts_of(each) for each in release.namespace.ready_pods(release.deployment("graph"))]


def mixing(release):
    """Write the graph's nodes with the predict of the pair before."""
    text = json.dumps(plain(release))
    changed = text.replace(f"-predict-{release.rollout}", f"-predict-{release.record['kept'][0]}")
    assert changed != text
    return json.loads(changed)


def plain(release):
    """Read the nodes of the graph."""
    return release.namespace.get("InferenceGraph", release.name)["spec"]["nodes"]


def test_a_graph_that_is_deleted_is_made_again(followed, questions, measured, accident):
    """Its routers go with it, so requests fail until there are new ones; the pair stays the same."""
    before = followed.rollout
    with load(followed.namespace, questions.mixed(followed, *followed.earlier), **STEADY) as seen:
        old = followed.namespace.get("InferenceGraph", followed.name)["metadata"]["uid"]
        followed.namespace.kubectl("delete", "inferencegraph", followed.name, "--wait=false")
        until("another graph", lambda: uid(followed) not in {None, old}, 60)
        accident.await_panel(lambda serves: not serves)
        accident.await_alert()
        followed.await_live(followed.pair)
        accident.await_over()
    measured("graph deleted", seen.told())

    assert seen.mixed == 0, seen.told()
    assert seen.report["lost_for"] <= GAP, seen.told()
    assert followed.rollout == before


def uid(release):
    """Tell which graph it is; None where there is none."""
    found = release.namespace.get("InferenceGraph", release.name)
    return found and found["metadata"]["uid"]
