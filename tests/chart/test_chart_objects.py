"""What the chart makes fits together, in every variant: names, references, addresses, labels."""

from urllib.parse import urlsplit

import pytest
import yaml

ROUTER = "forecast"
#: A label has 63 characters, and KServe writes `isvc.<name>-predictor` into one.
ISVC_NAME = 48


def matches(selector, labels):
    """Whether a selector means these labels."""
    return selector.items() <= labels.items()


def test_names_fit_what_kserve_makes_of_them(objects):
    """KServe fails late, in its log."""
    long = [name for kind, name in objects if kind == "InferenceService" and len(name) > ISVC_NAME]

    assert long == []


def test_selectors_mean_pods_of_the_release(objects, pods):
    """A Service, budget or policy that means no pod does nothing, and says nothing."""
    labels = [each for _, each, _ in pods] + [
        {"app": f"isvc.{name}"} for kind, name in objects if kind == "InferenceGraph"
    ]
    idle = []
    for (kind, name), found in objects.items():
        selector = {
            "Service": lambda spec: spec["selector"],
            "PodDisruptionBudget": lambda spec: spec["selector"]["matchLabels"],
            "NetworkPolicy": lambda spec: spec["podSelector"]["matchLabels"],
        }.get(kind)
        if selector and not any(matches(selector(found["spec"]), each) for each in labels):
            idle.append((kind, name))

    assert idle == []


def test_peers_of_policies_mean_pods_of_the_release(objects, pods):
    """A rule for a pod that is called otherwise lets nobody through."""
    labels = [each for _, each, _ in pods] + [
        {"app": f"isvc.{name}"} for kind, name in objects if kind == "InferenceGraph"
    ]
    peers = [
        peer["podSelector"]["matchLabels"]
        for (kind, _), found in objects.items()
        if kind == "NetworkPolicy"
        for rule in (*found["spec"].get("ingress", []), *found["spec"]["egress"])
        for peer in (*rule.get("from", []), *rule.get("to", []))
        if {"app.kubernetes.io/name", "app"} & peer.get("podSelector", {}).get("matchLabels", {}).keys()
    ]
    ours = [each for each in peers if each != {"app": "redis"}]

    assert [each for each in ours if not any(matches(each, own) for own in labels)] == []


def test_what_a_pod_refers_to_is_made_too(objects, pods):
    """ServiceAccounts, ConfigMaps and Secrets of the release's own; the Pin is made by the first pod."""
    missing = []
    for name, _, spec in pods:
        account = spec["serviceAccountName"]
        volumes = spec["volumes"]
        wanted = [("ServiceAccount", account)]
        wanted += [("ConfigMap", each["configMap"]["name"]) for each in volumes if "configMap" in each]
        wanted += [("Secret", each["secret"]["secretName"]) for each in volumes if "secret" in each]
        own = account.rpartition("-")[0]
        missing += [
            (name, each)
            for each in wanted
            if each not in objects and each[1].startswith(f"{own}-") and not each[1].startswith(f"{own}-pair-")
        ]

    assert missing == []


def test_mounts_have_volumes_and_volumes_mounts(pods):
    """In every container."""
    for name, _, spec in pods:
        volumes = {each["name"] for each in spec["volumes"]}
        containers = [*spec.get("initContainers", []), *spec["containers"]]
        mounted = {mount["name"] for each in containers for mount in each["volumeMounts"]}

        assert mounted == volumes, name


def test_the_graph_leads_to_services_that_are_there(objects, chart):
    """Those that KServe makes of the InferenceServices, or the headless ones."""
    documents = [found for (kind, _), found in objects.items() if kind == "InferenceGraph"]
    documents += [
        yaml.safe_load(found["data"]["graph.yaml"])
        for (kind, name), found in objects.items()
        if kind == "ConfigMap" and name.endswith("-graph")
    ]
    services = {f"{name}-predictor": 80 for kind, name in objects if kind == "InferenceService"}
    services |= {
        name: found["spec"]["ports"][0]["port"] for (kind, name), found in objects.items() if kind == "Service"
    }
    addresses = [
        urlsplit(step["serviceUrl"])
        for document in documents
        for node in document["spec"]["nodes"].values()
        for step in node["steps"]
        if "serviceUrl" in step
    ]
    reached = {(each.hostname.split(".")[0], each.port or 80) for each in addresses}

    assert reached <= set(services.items())
    assert {each.hostname.split(".")[1] for each in addresses} <= {chart.namespace}


def test_an_autoscaler_is_never_called_as_a_deployment_of_kserve(objects):
    """KServe takes an autoscaler of that name for its own, and deletes it."""
    deployments = {f"{name}-predictor" for kind, name in objects if kind == "InferenceService"}
    deployments |= {name for kind, name in objects if kind == "InferenceGraph"}
    scalers = {name for kind, name in objects if kind in {"HorizontalPodAutoscaler", "ScaledObject"}}

    assert not scalers & deployments


def test_a_deployment_has_one_autoscaler_at_most(objects):
    """Two would work against each other; one that scales nothing would be dead."""
    scaled = [
        found["spec"]["scaleTargetRef"]["name"]
        for (kind, _), found in objects.items()
        if kind in {"HorizontalPodAutoscaler", "ScaledObject"}
    ]
    deployments = {f"{name}-predictor" for kind, name in objects if kind == "InferenceService"}
    deployments |= {name for kind, name in objects if kind == "Deployment"}

    assert len(scaled) == len(set(scaled))
    assert set(scaled) <= deployments


@pytest.mark.parametrize("release_names", [("energy", "forecast")])
def test_two_releases_share_no_name(chart, release_names):
    """They live side by side in one namespace."""
    first, second = ({*chart.objects("graph", {"fullnameOverride": name})} for name in release_names)

    assert first
    assert not first & second


@pytest.mark.parametrize(
    ("change", "annotation", "part"),
    [
        ({"pair": {"alias": "champion"}}, "twinpin.dev/pair-settings", "predict-r1"),
        ({"registry": {"uri": "http://elsewhere"}}, "twinpin.dev/pair-settings", "preprocess-r1"),
        ({"features": {"repository": {"config": "project: other"}}}, "twinpin.dev/feature-store", "features"),
    ],
)
def test_pods_start_anew_when_what_they_read_at_their_start_changed(chart, change, annotation, part):
    """A change that reaches only pods that happen to come later would be a trap."""
    before, after = (
        chart.objects("graph", each)["InferenceService", f"forecast-{part}"]["spec"]["predictor"]["annotations"]
        for each in ({}, change)
    )

    assert before[annotation] != after[annotation]


def test_other_settings_keep_pods_running(chart):
    """A change of a limit elsewhere restarts no step."""
    changed = {"gateway": {"replicas": {"min": 3, "max": 5}}, "podDisruptionBudget": {"enabled": False}}
    before, after = (chart.objects("graph", each) for each in ({}, changed))

    services = [key for key in before if key[0] == "InferenceService"]
    assert len(services) == 3
    assert all(before[key] == after[key] for key in services)
