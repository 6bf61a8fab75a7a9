"""The Pin holds: pods that come after the alias moved serve the pair of the rollout, and so does an upgrade."""

import json

import pytest
from cluster_load import load
from cluster_ports import Address, forwarded
from cluster_tools import attempt, run
from cluster_values import replicas

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def moved(world, release):
    """The alias is on pair B from here on; the release was pinned to A before."""
    assert release.pin is not None
    with world.registrar() as registrar:
        registrar.promote(world.pairs["B"])
        yield registrar


def stamps(release, questions, part):
    """What each pod of a part says that it serves."""
    found = {}
    for pod in release.pods(part):
        name = pod["metadata"]["name"]
        with forwarded(release.namespace, f"pod/{name}", 8080) as (port,):
            answer = questions.client.send(Address("127.0.0.1", port, 0), "GET", f"/v2/models/{part}")
        found[name] = answer.json()["versions"][-1]
    return found


def test_the_alias_did_move(world, moved):
    """`twinpin status` says so, of the very registry that the pods ask."""
    told = moved.twinpin("status", world.pairs["B"].names)

    assert f"{world.pairs['B'].names.model} {world.pairs['B'].versions[1]}" in told


def test_pods_that_come_after_the_alias_moved_serve_the_pair_of_the_rollout(release, questions, moved):
    """One more of each: all pods carry the stamp of the Pin, which is untouched."""
    before, number = release.pin, len(release.pods("predict"))
    old = {part: {pod["metadata"]["name"] for pod in release.pods(part)} for part in ("preprocess", "predict")}
    release.upgrade(replicas(number + 1, "preprocess", "predict"))

    for part, names in old.items():
        found = stamps(release, questions, part)
        assert len(found) == number + 1
        assert len(set(found) - names) == 1
        assert len(set(found.values())) == 1
        assert next(iter(found.values())).startswith(release.pair.label)
    assert release.pin["metadata"]["uid"] == before["metadata"]["uid"]
    assert release.pin["data"] == before["data"]


def test_forecasts_are_still_those_of_the_pair_of_the_rollout(release, questions, moved):
    """Asked often enough to meet every pod."""
    with release.gateway() as address:
        for _ in range(12):
            questions.plain_columns(address, release.pair)
            questions.one_entity(address, release.pair)


def test_an_upgrade_of_another_value_keeps_the_pin_and_loses_no_request(release, questions, moved, measured):
    """Every pod but the router's is replaced under load, and every answer is right and pair A's."""
    before = {pod["metadata"]["name"] for part in release.parts for pod in release.pods(part)}
    with load(release.namespace, questions.of_release(release)) as seen:
        release.upgrade({"server": {"logLevel": "WARNING"}})
    after = {pod["metadata"]["name"] for part in release.parts if part != "graph" for pod in release.pods(part)}
    measured("upgrade of every step under load", seen.told())

    assert not before & after
    assert seen.lost == 0, seen.told()
    assert len(seen.report["pairs"]) == 1


def test_the_pin_cannot_be_changed(release, moved):
    """Immutable: the API server itself refuses."""
    name = release.pin["metadata"]["name"]
    change = '{"data": {"pin.json": "{}"}}'
    done = attempt("kubectl", "-n", release.namespace.name, "patch", "configmap", name, "--type=merge", "-p", change)

    assert done.returncode != 0
    assert "immutable" in done.stderr


def test_a_new_rollout_serves_what_the_alias_is_on_then(release, questions, moved, world, measured):
    """It comes up beside the old one, the graph is switched, the old one goes: no request is lost, none is mixed."""
    old, new = release.rollout, "r2"
    with load(release.namespace, questions.of_release(release, world.pairs["B"])) as seen:
        release.upgrade({"standby": [new]})
        release.await_rollout(new)
        release.upgrade({"rollout": new, "standby": [old]})
        release.await_routers()
        release.pair = world.pairs["B"]
        release.upgrade({"standby": []})
    measured("a new rollout under load", seen.told())
    with release.gateway() as address:
        questions.plain_columns(address, release.pair)
    left = run("kubectl", "-n", release.namespace.name, "get", "inferenceservice", "-o", "name")

    assert seen.lost == 0, seen.told()
    assert set(seen.report["pairs"]) == {stamp_of(release, old), stamp_of(release, new)}
    assert f"-{old}" not in left


def stamp_of(release, rollout):
    """Read the stamp from the Pin of a rollout."""
    pin = release.namespace.get("ConfigMap", f"{release.name}-pair-{rollout}")
    return json.loads(pin["data"]["pin.json"])["id"]
