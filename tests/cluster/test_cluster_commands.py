"""The commands of people and pipelines, on a release without a controller: `twinpin rollout` does its work."""

import dataclasses

import pytest
from cluster_console import Console, interrupted
from cluster_namespaces import namespace as make_namespace
from cluster_ports import forwarded
from cluster_release import Release
from cluster_stores import MLFLOW_PORT
from cluster_values import merged, one_of_each, without_features
from cluster_waits import until

pytestmark = pytest.mark.cluster

#: A canary's share, of 100.
SHARE = 30
BY_HAND = {"controller": {"enabled": True, "replicas": 0, "drain": 5, "keep": 1}}


@pytest.fixture(scope="module")
def namespace(api):
    """A namespace that takes KServe's router: it has no seccomp profile, so the restricted standard would refuse it."""
    with make_namespace(api, "commands", standard="baseline") as made:
        yield made


@pytest.fixture(scope="module")
def pairs(world):
    """Pairs A and B under an alias of their own."""
    names = dataclasses.replace(world.pairs["A"].names, alias="by-hand")
    return {letter: dataclasses.replace(each, names=names) for letter, each in world.pairs.items() if letter in "AB"}


@pytest.fixture(scope="module")
def console(world, namespace, pairs):
    """A release without a controller, and the commands of whoever has a kubeconfig and reaches the registry."""
    names = pairs["A"].names
    values = merged(without_features(one_of_each(world, names)), BY_HAND)
    with forwarded(world.home, "svc/mlflow", MLFLOW_PORT) as (port,):
        made = Console(namespace.name, "sea", names, f"http://127.0.0.1:{port}")
        made.promote(pairs["A"])
        Release(world, namespace, "sea", values, pairs["A"]).install(wait=False)
        yield made


def serving(told):
    """Read the versions of the pair that serves."""
    (line,) = (line for line in told.splitlines() if line.startswith("serving:"))
    return line.split()[1].rpartition("-")[0]


def label(pair):
    """The versions of a pair, as its id begins."""
    return pair.label.rstrip("-")


def test_a_pipeline_brings_the_first_pair_live(console, namespace, pairs):
    """From an install that serves nothing; its exit code says that the pair serves."""
    told = console.done("rollout")

    assert serving(told) == label(pairs["A"])
    assert console.history()[0]["outcome"] == "Serving"


def test_another_pair_than_the_releases_own_is_refused(console):
    """A flag that is wrong would bring a stranger's pair live."""
    ended = console.run("rollout", "--alias", "production")

    assert ended.returncode == 3
    assert "alias by-hand, not production" in ended.stderr


def test_ctrl_c_gives_the_lease_back(console, namespace, pairs):
    """Whoever comes next, a controller or another pipeline, need not wait until the dead is taken for dead."""
    console.promote(pairs["B"])
    process = console.begin("rollout")
    until("the lease is held", lambda: holder(namespace), 60)

    code, said = interrupted(process)

    assert code == 130, said
    assert holder(namespace) == ""


def test_a_new_pair_gets_its_share_until_somebody_decides(console, pairs):
    """Both ways the exit code says that all is as asked."""
    assert f"gets {SHARE} of 100" in console.done("canary", "--percent", SHARE)
    shared = console.done("rollout")
    console.done("canary", "--promote")
    promoted = console.done("rollout")

    assert serving(shared) == label(pairs["A"])
    assert f"candidate: {pairs['B'].label}" in shared
    assert f"{SHARE} of 100 requests" in shared
    assert serving(promoted) == label(pairs["B"])
    assert "candidate:" not in promoted


def test_a_way_back_needs_no_canary(console, pairs):
    """A pair that served before gets everything at once, though new ones get a share; the history names it."""
    before = next(each["pair"] for each in console.history() if each["pair"].startswith(pairs["A"].label))
    console.done("rollback", "--to", before)
    told = console.done("rollout")

    assert serving(told) == label(pairs["A"])
    assert "candidate:" not in told


def test_the_history_tells_all_of_it(console, pairs):
    """What served when, and who moved the alias there."""
    a, b = label(pairs["A"]), label(pairs["B"])
    found = console.history()

    assert [each["pair"].rpartition("-")[0] for each in found] == [a, b, a]
    assert [each["outcome"] for each in found] == ["Serving", "Replaced", "Replaced"]
    assert all("@" in each["movedBy"] for each in found)


def holder(namespace):
    """Say who holds the lease of the release; empty: nobody."""
    lease = namespace.get("Lease", "sea-rollout")
    return (lease or {"spec": {}})["spec"].get("holderIdentity", "")
