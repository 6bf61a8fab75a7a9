"""`helm install` of the graph topology: what KServe makes of it, what it may, and what its own test says."""

import pytest
from cluster_release import refused
from cluster_tools import attempt, run
from cluster_values import merged
from cluster_waits import ready

pytestmark = pytest.mark.cluster


def test_helm_install_makes_every_part_ready(release, measured):
    """Five Deployments, four of them KServe's, each with all its pods ready; the Pin names pair A."""
    measured("helm install until all pods were ready, seconds", round(release.took))
    expected = {release.deployment(part) for part in release.parts}
    pods = release.namespace.list("Pod", **{"app.kubernetes.io/instance": release.name})

    assert {each["metadata"]["name"] for each in release.namespace.list("Deployment")} == expected
    assert len(pods) == len(expected)
    assert all(map(ready, pods))
    assert f'"{release.pair.label}' in str(release.pin["data"])
    assert release.pin["immutable"] is True


def test_kserve_says_ready_and_made_services_for_both_protocols(release):
    """Each InferenceService is Ready, and its Service leads to REST and to gRPC."""
    services = {each["metadata"]["name"]: each for each in release.namespace.list("InferenceService")}
    expected = {release.deployment(part).removesuffix("-predictor") for part in ("features", "preprocess", "predict")}

    assert set(services) == expected
    for name, service in services.items():
        conditions = {each["type"]: each["status"] for each in service["status"]["conditions"]}
        ports = release.namespace.get("Service", f"{name}-predictor")["spec"]["ports"]
        direct = release.namespace.get("Service", f"{name}-direct")["spec"]
        assert conditions["Ready"] == "True"
        assert [(each["port"], each["targetPort"]) for each in ports] == [(80, 8080), (8081, 8081)]
        assert ports[1]["appProtocol"] == "kubernetes.io/h2c"
        assert direct["clusterIP"] == "None"
    graph = release.namespace.get("InferenceGraph", release.name)
    assert graph["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == "Standard"


def test_every_object_that_kserve_made_is_of_standard_mode(release):
    """No Knative, no Ingress and no route of KServe's own stands beside ours."""
    kinds = {each.partition("/")[0] for each in release.namespace.contents()}

    assert not kinds & {
        "Configuration",
        "Revision",
        "Route",
        "VirtualService",
        "Ingress",
        "HTTPRoute",
        "LLMInferenceService",
    }


def test_helm_test_passes_and_fails_where_there_is_no_forecast(release):
    """It asks for what the values name: an entity that nobody knows makes it fail, and its pod says why."""
    where = ("--namespace", release.namespace.name, "--timeout", "120s")
    good = run("helm", "test", release.name, *where)
    release.upgrade({"test": {"entities": [1, 99]}}, wait=False)
    bad = attempt("helm", "test", release.name, *where)
    (pod,) = [each for each in release.namespace.list("Pod") if each["metadata"]["name"].endswith("-test")]
    told = release.namespace.kubectl("logs", pod["metadata"]["name"])
    release.upgrade({"test": {"entities": [1, 2]}}, wait=False)

    assert "Phase:          Succeeded" in good
    assert bad.returncode != 0
    assert "99" in told


def test_a_value_with_a_typo_is_refused_by_its_name(release):
    """The key that does not exist is in helm's message, and nothing is made."""
    before = release.namespace.contents()
    top = refused(release.namespace, release.values | {"rolout": "r2"})
    deep = refused(release.namespace, merged(release.values, {"features": {"servise": "sea"}}))

    assert "rolout" in top
    assert "servise" in deep
    assert release.namespace.contents() == before


def test_a_name_that_kserve_could_not_label_is_refused(release):
    """The sentence says how long a name may be in this namespace, whose own name takes some of the room."""
    told = refused(
        release.namespace, release.values | {"fullnameOverride": "a-name-that-goes-on-and-on-for-far-too-long"}
    )

    assert f"KServe has room for {min(48, 52 - len(release.namespace.name))}:" in told
    assert "shorten" in told
