"""With a controller the chart makes all but rollouts and graph, and hands these over as a template that fits them."""

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from twinpin.gateway.remote import find_step
from twinpin.graph.check import check
from twinpin.graph.document import load
from twinpin.pair.configmap_pins import KEY
from twinpin.rollout import crd
from twinpin.rollout.kube_gateway import DOCUMENT, document
from twinpin.rollout.probing import chain
from twinpin.rollout.resource import KIND, VERSION, Spec
from twinpin.rollout.routes import mentions, render
from twinpin.rollout.snapshot import Route
from twinpin.rollout.template import MARK, Template

A, B = "p7-m12-3fa9c1", "p8-m13-0a1b2c"
CHART = Path(__file__).parents[2] / "helm" / "twinpin"
#: The resource of each kind that a rollout may have.
RESOURCES = {
    "HorizontalPodAutoscaler": ("autoscaling", "horizontalpodautoscalers"),
    "InferenceService": ("serving.kserve.io", "inferenceservices"),
    "NetworkPolicy": ("networking.k8s.io", "networkpolicies"),
    "PodDisruptionBudget": ("policy", "poddisruptionbudgets"),
    "ScaledObject": ("keda.sh", "scaledobjects"),
    "Service": ("", "services"),
}
#: Values with which a rollout has other kinds of objects.
SHAPES = {
    "as it comes": {},
    "by queue": {"keda": {"enabled": True, "prometheusUrl": "http://prometheus:9090"}},
    "by queue alone": {
        "keda": {"enabled": True, "prometheusUrl": "http://prometheus:9090"},
        "autoscaling": {"enabled": False},
    },
    "bare": {
        "autoscaling": {"enabled": False},
        "podDisruptionBudget": {"enabled": False},
        "networkPolicy": {"enabled": False},
    },
    "no features": {"features": {"service": "", "repository": {"volume": None}}},
    "direct beside the graph": {"gateway": {"mode": "direct"}},
    "direct alone": {"gateway": {"mode": "direct"}, "graph": {"enabled": False}},
}


@pytest.fixture(params=SHAPES)
def shape(request):
    """One set of such values."""
    return SHAPES[request.param]


@pytest.fixture
def controlled(chart, shape):
    """What the chart makes where there is a controller."""
    return chart.objects("controller", shape)


@pytest.fixture
def template(controlled):
    """What it hands over."""
    return Template.parse(controlled["ConfigMap", "forecast-template"]["data"])


def keyed(objects):
    """List objects by kind and name."""
    return {(each["kind"], each["metadata"]["name"]): each for each in objects}


def plain(node):
    """Leave out who made an object, for which rollout and with which digest."""
    if isinstance(node, dict):
        left = {"app.kubernetes.io/managed-by", "twinpin.dev/digest", "twinpin.dev/rollout"}
        kept = {key: plain(value) for key, value in node.items() if key not in left}
        return {key: value for key, value in kept.items() if value != {}}
    return [plain(each) for each in node] if isinstance(node, list) else node


def init_container(service):
    """Find the container that lays the pair down."""
    (found,) = service["spec"]["predictor"]["initContainers"]
    return found


def test_the_two_of_them_make_what_the_chart_makes_alone(chart, shape, controlled, template):
    """One source: only who finds the Pin how, and who may call whom by which labels, differ."""
    alone = chart.objects("controller", {**shape, "controller": {"enabled": False}, "rollout": A})
    made = keyed(template.documents(A))
    own = {key for key in controlled if "controller" in key[1] or key[0] == KIND}
    own |= {("ConfigMap", "forecast-template"), ("Service", "forecast-preprocess"), ("Service", "forecast-predict")}

    graphs = {("InferenceGraph", "forecast"): template.document(A)} if template.makes_graph else {}
    copies = {("ConfigMap", "forecast-graph")} if template.direct else set()
    assert made
    assert controlled.keys() - own | made.keys() | graphs.keys() | copies == alone.keys()
    for key in made.keys() - {each for each in made if each[0] in {"InferenceService", "NetworkPolicy"}}:
        assert plain(made[key]) == plain(alone[key]), key
    for key, graph in graphs.items():
        assert plain(graph.data()) == plain(alone[key])
    for key in copies:
        assert template.own.document(A) == load(alone[key]["data"]["graph.yaml"])


@pytest.mark.parametrize("part", ["preprocess", "predict"])
def test_the_pods_of_a_rollout_find_their_pin_as_a_file(chart, part):
    """The controller makes it before them, under the name and the key that they mount."""
    template = _template(chart)
    service = keyed(template.documents(A))["InferenceService", f"forecast-{part}-{A}"]
    static = chart.objects("controller", {"controller": {"enabled": False}, "rollout": A})
    usual = static["InferenceService", f"forecast-{part}-{A}"]
    container, before = init_container(service), init_container(usual)

    environment = {each["name"]: each.get("value") for each in container["env"]}
    volumes = {each["name"]: each for each in service["spec"]["predictor"]["volumes"]}
    assert environment["TWINPIN_PINS_DIR"] == "/mnt/pins"
    assert environment["TWINPIN_ROLLOUT"] == A
    assert "TWINPIN_PINS_CONFIGMAP" not in environment
    assert {"name": "pin", "mountPath": "/mnt/pins", "readOnly": True} in container["volumeMounts"]
    assert volumes["pin"]["configMap"] == {"name": f"forecast-pair-{A}", "items": [{"key": KEY, "path": f"{A}.json"}]}
    assert service["spec"]["predictor"]["containers"] == usual["spec"]["predictor"]["containers"]
    assert {**container, "env": 0, "volumeMounts": 0} == {**before, "env": 0, "volumeMounts": 0}


def test_two_rollouts_share_no_object(template):
    """Nor does a pod of one belong to a Service of the other."""
    first, second = keyed(template.documents(A)), keyed(template.documents(B))

    assert not first.keys() & second.keys()
    assert B not in json.dumps(list(first.values()))
    assert MARK not in json.dumps(list(first.values()))


def test_the_mark_stands_in_the_template_alone(controlled):
    """What Helm applies itself is of no rollout."""
    others = [each for key, each in controlled.items() if key != ("ConfigMap", "forecast-template")]

    assert MARK not in json.dumps(others)


def test_the_controller_understands_the_graph(template):
    """It finds the rollouts that a document names, and the chain that it asks for the recorded example."""
    nodes = render(template, Route(A, B, 10))["spec"]["nodes"]

    assert mentions(template, json.dumps(nodes)) == {A, B}
    assert [each.name for each in chain(template.document(A), A)] == ["preprocess", "predict"]


@pytest.mark.parametrize("route", [Route(A), Route(A, B, 10)])
def test_the_gateway_gets_a_graph_that_it_can_run(chart, route):
    """It calls pods one by one, of the rollouts of the route and no others."""
    template = Template.parse(chart.objects("controller-direct")["ConfigMap", "forecast-template"]["data"])
    text = document(template.own, route)

    assert check(load(text), strict=True) == []
    assert mentions(template.own, text) == route.rollouts
    assert {urlsplit(step.service_url).port for *_, step in load(text).steps() if step.service_url} == {8080}
    assert find_step(load(text), "predict").url.startswith(f"http://forecast-predict-{A}-direct.")


def test_the_gateway_reads_the_graph_that_the_controller_writes(chart):
    """The annotation is a file in the pod, at the place that the gateway is told; the chart itself never sets it."""
    pod = chart.objects("controller-direct")["Deployment", "forecast-gateway"]["spec"]["template"]
    (volume,) = [each for each in pod["spec"]["volumes"] if each["name"] == "graph"]
    (container,) = pod["spec"]["containers"]

    assert volume["downwardAPI"]["items"] == [
        {"path": "graph.yaml", "fieldRef": {"fieldPath": f"metadata.annotations['{DOCUMENT}']"}}
    ]
    assert {"name": "graph", "mountPath": "/etc/twinpin", "readOnly": True} in container["volumeMounts"]
    assert {"name": "TWINPIN_GRAPH", "value": "/etc/twinpin/graph.yaml"} in container["env"]
    assert DOCUMENT not in pod["metadata"].get("annotations", {})


def test_the_wishes_are_those_that_the_controller_knows(chart):
    """Each value arrives, and by default each is the controller's own default."""
    values = {"keep": 3, "pollSeconds": 7, "progressDeadline": 60, "drain": 9}
    given = chart.objects("controller", {"controller": values})[KIND, "forecast"]
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())["controller"]

    assert given["spec"] == values
    assert given["apiVersion"] == f"twinpin.dev/{VERSION}"
    assert Spec.model_validate(given["spec"]).model_dump(by_alias=True, exclude_defaults=True) == values
    assert Spec.model_validate({name: defaults[name] for name in values}) == Spec()


def test_the_definition_is_the_models(chart):
    """Helm installs what the controller writes: the same fields, ranges and defaults."""
    (file,) = (chart.folder / "crds").iterdir()

    assert file.read_text() == crd.text()


def test_the_controller_may_do_to_its_objects_what_it_does_and_to_no_others(controlled, template):
    """A kind that it may not list would stop every look."""
    rules = controlled["Role", "forecast-controller"]["rules"]
    granted = {
        (each["apiGroups"][0], each["resources"][0])
        for each in rules
        if each["verbs"] == ["list", "create", "patch", "delete"]
    }

    assert granted == {RESOURCES[each["kind"]] for each in template.documents(A)}


def test_the_controller_may_not_touch_what_others_own(controlled, template):
    """One PairedGraph, one graph, one Lease, the gateway that it writes, all called after the release; no Secret."""
    rules = controlled["Role", "forecast-controller"]["rules"]
    named = {
        (resource, name)
        for each in rules
        for resource in each["resources"]
        for name in each.get("resourceNames", ["any"])
        if {"update", "patch", "delete"} & set(each["verbs"]) and "list" not in each["verbs"]
    }

    assert named - {("deployments/scale", "any")} == {
        ("pairedgraphs/status", "forecast"),
        ("pairedgraphs/finalizers", "forecast"),
        ("inferencegraphs", "forecast"),
        ("leases", "forecast-rollout"),
        *([("deployments", "forecast-gateway")] if template.direct else []),
    }
    assert not {"secrets", "roles", "rolebindings", "serviceaccounts", "*"} & {
        resource for each in rules for resource in (*each["resources"], *each["verbs"], *each["apiGroups"])
    }


def test_the_controller_may_scale_where_autoscalers_do(controlled, template):
    """A new pair begins with as many pods as the one before; where the number is fixed there is nothing to change."""
    rules = controlled["Role", "forecast-controller"]["rules"]

    assert bool(template.scaled) == any("deployments/scale" in each["resources"] for each in rules)


def test_the_controller_is_told_of_registry_and_pair_like_the_init_containers(chart):
    """What one finds, the other finds."""
    controlled = chart.objects("controller")
    (container,) = controlled["Deployment", "forecast-controller"]["spec"]["template"]["spec"]["containers"]
    service = keyed(_template(chart).documents(A))["InferenceService", f"forecast-predict-{A}"]
    resolve = init_container(service)
    token = {"name": "MLFLOW_TRACKING_TOKEN", "valueFrom": {"secretKeyRef": {"name": "mlflow", "key": "token"}}}

    assert container["envFrom"] == resolve["envFrom"]
    assert token in container["env"]
    assert token in resolve["env"]
    assert {"name": "TWINPIN_RELEASE", "value": "forecast"} in container["env"]


def test_the_controller_starts_anew_with_other_names(chart):
    """It reads them at its start."""
    before, after = (
        chart.objects("controller", each)["Deployment", "forecast-controller"]["spec"]["template"]["metadata"]
        for each in ({}, {"pair": {"alias": "champion"}})
    )

    assert before["annotations"] != after["annotations"]


def test_a_change_of_a_step_reaches_rollouts_through_the_template_alone(chart):
    """Neither gateway nor controller starts anew."""
    before, after = (chart.objects("controller", each) for each in ({}, {"predict": {"threads": 3}}))

    assert {key for key in before if before[key] != after[key]} == {("ConfigMap", "forecast-template")}


def _template(chart):
    """The template of the variant with a controller."""
    return Template.parse(chart.objects("controller")["ConfigMap", "forecast-template"]["data"])
