"""Kustomizations: overlays build, components go together, and no object is tied to one namespace."""

import itertools
import re

import pytest
import yaml
from kustomized import MANIFESTS, ROOT

COMPONENTS = [f"components/{name}" for name in ("gpu", "keda", "network-policy", "monitoring")]


def leaves(node, path=()):
    """List every value with the way to it; elements of a list go by their name where they have one."""
    if isinstance(node, dict):
        return {leaf for key, value in node.items() for leaf in leaves(value, (*path, key))}
    if isinstance(node, list):
        names = [each.get("name", index) if isinstance(each, dict) else index for index, each in enumerate(node)]
        return {leaf for key, each in zip(names, node, strict=True) for leaf in leaves(each, (*path, key))}
    return {(*path, str(node))}


@pytest.mark.parametrize("overlay", sorted(each.name for each in (MANIFESTS / "overlays").iterdir()))
def test_every_overlay_builds(kustomize, overlay):
    """What the README names can be applied, in the namespace that it says."""
    objects = kustomize.build(MANIFESTS / "overlays" / overlay)

    assert {("InferenceGraph", "forecast"), ("Deployment", "forecast-gateway")} <= objects.keys()
    assert {each["metadata"]["namespace"] for each in objects.values()} == {"forecast"}


def test_all_components_are_built_together(kustomize):
    """A component that no overlay takes is one that no test would miss."""
    document = yaml.safe_load((MANIFESTS / "overlays" / "all-components" / "kustomization.yaml").read_text())

    assert {f"components/{each.name}" for each in (MANIFESTS / "components").iterdir()} == set(COMPONENTS)
    assert {f"../../{each}" for each in COMPONENTS} <= set(document["components"])


@pytest.mark.parametrize(
    "chosen", [each for size in (2, 3, 4) for each in itertools.combinations(COMPONENTS, size)], ids=", ".join
)
def test_components_leave_each_other_alone(kustomize, chosen):
    """Each one does in company what it does alone."""
    plain, together = leaves(kustomize.on_base()), leaves(kustomize.on_base(*chosen))
    for component in chosen:
        alone = leaves(kustomize.on_base(component))

        assert alone - plain
        assert alone - plain <= together
        assert not (plain - alone) & together


def test_the_base_works_in_any_namespace(kustomize):
    """An overlay's namespace reaches all that names one, and addresses name none."""
    objects = kustomize.on_base("components/network-policy", "components/monitoring", namespace="elsewhere")

    assert {each["metadata"]["namespace"] for each in objects.values()} == {"elsewhere"}
    (subject,) = objects["RoleBinding", "forecast-resolve"]["subjects"]
    assert subject["namespace"] == "elsewhere"
    assert not re.search(r"\.svc\b|namespace: forecast", yaml.safe_dump_all(objects.values()))


def test_the_readme_mends_kedas_queries(kustomize):
    """The only namespace that kustomize does not see is in PromQL, and the README's lines put the right one there."""
    (block,) = re.findall(r"```yaml\n(replacements:.*?)```", (MANIFESTS / "README.md").read_text(), re.DOTALL)
    objects = kustomize.on_base("components/keda", namespace="elsewhere", **yaml.safe_load(block))
    queries = [
        trigger["metadata"]["query"]
        for (kind, _), each in objects.items()
        if kind == "ScaledObject"
        for trigger in each["spec"]["triggers"]
        if trigger["type"] == "prometheus"
    ]

    assert len(queries) == 3
    assert all('namespace="elsewhere"' in each for each in queries)


def test_the_page_of_objects_tells_what_the_chart_makes(kustomize):
    """Its second table is all of the base, and nothing else."""
    page = (ROOT / "docs" / "kubernetes-objects.md").read_text()
    table = page.partition("\n## What the chart makes")[2].partition("\n## ")[0]
    told = set()
    for row in table.splitlines():
        for kinds, names in re.findall(
            r"((?:[A-Z]\w+(?:, | ))+)((?:`[\w-]+`(?:, )?)+)", row.split("|")[1] if "|" in row else ""
        ):
            told |= set(itertools.product(re.findall(r"\w+", kinds), re.findall(r"[\w-]+", names)))

    assert told == kustomize.on_base().keys()


def test_nothing_is_left_of_helm(kustomize):
    """Labels that only Helm reads would make it refuse to take the objects over."""
    assert not [leaf for leaf in leaves(kustomize.on_base()) if "helm" in "/".join(map(str, leaf)).lower()]


def test_production_names_every_image_once(kustomize):
    """One list of images is all that a user edits."""
    objects = kustomize.build(MANIFESTS / "overlays" / "production")
    images = {leaf[-1] for leaf in leaves(objects) if leaf[-2] == "image"}

    assert {each.split("/")[0] for each in images} == {"registry.example.com"}
    assert len(images) == 5


def test_alerts_mean_the_series_of_this_release(kustomize):
    """Its namespace is the overlay's to say, and no query of theirs names one."""
    objects = kustomize.on_base("components/monitoring", namespace="elsewhere")
    queries = [
        each["expr"] for group in objects["PrometheusRule", "forecast"]["spec"]["groups"] for each in group["rules"]
    ]

    assert len(queries) > 10
    assert all('job="forecast"' in each and "namespace=" not in each for each in queries)


def test_prometheus_finds_every_pod_that_has_metrics(kustomize):
    """The monitor's labels and port names are those of the pods."""
    objects = kustomize.on_base("components/monitoring")
    spec = objects["PodMonitor", "forecast"]["spec"]
    ports = {each["port"] for each in spec["podMetricsEndpoints"]}
    pods = {
        "features": objects["InferenceService", "forecast-features"],
        "preprocess": objects["InferenceService", "forecast-preprocess-r1"],
        "predict": objects["InferenceService", "forecast-predict-r1"],
        "gateway": objects["Deployment", "forecast-gateway"],
    }
    (among,) = spec["selector"]["matchExpressions"]

    assert set(among["values"]) == set(pods) | {"serve", "controller"}
    assert spec["jobLabel"] == "app.kubernetes.io/instance"
    for component, each in pods.items():
        template = each["spec"].get("predictor") or each["spec"]["template"]["spec"]
        assert spec["selector"]["matchLabels"].items() <= each["metadata"]["labels"].items()
        assert each["metadata"]["labels"][among["key"]] == component
        assert ports & {port["name"] for port in template["containers"][0]["ports"]}
