"""Two strangers in one namespace: other names, another alias, one of them half-moved when it is installed."""

import pytest
from cluster_release import Release, installed
from cluster_values import COLLAPSED, DIRECT, merged, one_of_each, without_features
from cluster_waits import until

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def names():
    """Nothing of these is a default."""
    from cluster_pairs import Names  # noqa: PLC0415 -- see conftest

    return Names("north-cleaner", "north-forecaster", "blue"), Names("south cleaner", "south.forecaster", "green_2")


@pytest.fixture(scope="module")
def pairs(world, names):
    """North is on its first pair, and a promotion to the second died between its two writes; south is well."""
    with world.registrar() as registrar:
        registrar.register(names[0], 5, promoted=True)
        north = registrar.register(names[0], 6)
        south = registrar.register(names[1], 7, promoted=True)
        registrar.die_half_way(north)
    return north, south


@pytest.fixture(scope="module")
def north(world, namespace, pairs):
    """Steps and gateway without a graph and without features; its pods cannot start yet."""
    values = without_features(merged(one_of_each(world, pairs[0].names), DIRECT))
    return Release(world, namespace, "north", values, pairs[0]).install(wait=False)


@pytest.fixture(scope="module")
def south(world, namespace, pairs):
    """Everything in one process, beside it."""
    values = merged(one_of_each(world, pairs[1].names), COLLAPSED)
    return installed(world, namespace, "south", values, pairs[1])


def test_a_half_moved_alias_keeps_pods_in_init_with_the_reason_and_the_mend(north):
    """`kubectl describe pod` says both, on preprocess and on predict; nothing is pinned."""
    for part in ("preprocess", "predict"):
        deployment = north.deployment(part)
        pod = until(f"a pod of {part}", lambda name=deployment: north.namespace.pods(name), 60)[0]["metadata"]["name"]
        told = until("its reason", lambda name=pod: half_moved(north, name), 90)
        assert "blue" in told
        assert "twinpin promote --repair" in told
        assert "Init:0/1" in north.namespace.kubectl("get", "pod", pod)
    assert north.pin is None


def half_moved(release, pod):
    """What kubectl tells a person about the pod, once the reason is among it."""
    told = " ".join(release.namespace.kubectl("describe", "pod", pod).split())
    return "HalfMoved" in told and told


def test_repair_lets_the_pods_go(world, north, questions):
    """They pin the pair that the repair ended with, and serve it."""
    with world.registrar() as registrar:
        registrar.twinpin("promote", north.pair.names, "--repair")
    north.await_ready()

    assert f'"{north.pair.label}' in str(north.pin["data"])
    with north.gateway() as address:
        for kind in questions.BY_COLUMNS:
            kind(address, north.pair)


def test_each_of_two_releases_serves_its_own_pair(north, south, questions):
    """Side by side in one namespace, by their own names, over REST and gRPC."""
    with south.gateway() as address:
        for kind in questions.GATEWAY:
            kind(address, south.pair)
    with north.gateway() as address:
        questions.plain_columns(address, north.pair)
        questions.grpc_columns(address, north.pair)


def test_without_features_entities_are_refused_with_what_to_do(north, questions):
    """404 with a sentence."""
    with north.gateway() as address:
        status, told, _ = questions.refusal(address, "/predict/feast", {"entities": [1]})

    assert status == 404
    assert "feature" in told


def test_helm_test_of_each_asks_its_own(north, south):
    """Both pass."""
    from cluster_tools import run  # noqa: PLC0415

    for release in (north, south):
        told = run("helm", "test", release.name, "-n", release.namespace.name, "--timeout", "120s")
        assert "Phase:          Succeeded" in told


def test_uninstalling_one_leaves_the_other_as_it_was(north, south, questions):
    """North is gone with its Pin; south never noticed."""
    others = [each for each in south.namespace.contents() if "/south" in each]
    north.uninstall()
    until("the end of north", lambda: not [each for each in north.namespace.contents() if "/north" in each], 120)

    assert set(others) <= set(south.namespace.contents())
    with south.gateway() as address:
        questions.one_entity(address, south.pair)
