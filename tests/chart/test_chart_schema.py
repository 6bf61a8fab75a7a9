"""The schema of the chart's values knows exactly the values that there are, and refuses all others by name."""

import json
from pathlib import Path

import pytest
import yaml

CHART = Path(__file__).parents[2] / "helm" / "twinpin"
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
#: What may stand in a values file and is no value of ours.
HELMS = {"global"}
#: Keys of Kubernetes' own in an object that is closed nonetheless.
KUBERNETES = {"resources": {"requests", "limits", "claims"}}


def resolved(schema):
    """Follow references."""
    while "$ref" in schema:
        found = SCHEMA
        for key in schema["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        schema = found
    return schema


def closed(schema=SCHEMA, path=()):
    """List the objects that take their own keys alone, with the values that stand there."""
    schema = resolved(schema)
    if schema.get("additionalProperties") is False:
        yield path, schema
        for name, part in schema["properties"].items():
            yield from closed(part, (*path, name))


def at(path, document=VALUES):
    """Read what stands at a path."""
    for name in path:
        document = document[name]
    return document


def nested(path, value):
    """Write a value at a path."""
    for name in reversed(path):
        value = {name: value}
    return value


PLACES = {".".join(path): (path, schema) for path, schema in closed()}


def test_most_objects_are_closed():
    """Looking in the wrong place would find nothing to compare."""
    assert len(PLACES) > 30


@pytest.mark.parametrize("place", PLACES)
def test_schema_and_values_have_the_same_keys(place):
    """A value without a rule is free to be wrong; a rule without a value is a typo or a leftover."""
    path, schema = PLACES[place]
    known = set(schema["properties"]) - HELMS
    there = set(at(path))

    assert there <= known
    assert known - there <= KUBERNETES.get(path[-1] if path else "", set())


def test_what_takes_any_key_is_a_piece_of_kubernetes_or_helm():
    """Free objects are those whose keys others define: labels, volumes, affinities."""
    free = [
        name
        for _, schema in PLACES.values()
        for name, part in schema["properties"].items()
        if resolved(part).get("type") == "object" and resolved(part).get("additionalProperties") is not False
    ]

    kubernetes = {
        "affinity",
        "alertLabels",
        "annotations",
        "labels",
        "limits",
        "nodeSelector",
        "podAnnotations",
        "podLabels",
        "requests",
        "volume",
    }
    assert set(free) == kubernetes | HELMS


@pytest.mark.parametrize("place", PLACES)
def test_a_typo_is_refused_with_its_name(chart, place):
    """At every level, not at the top alone."""
    path, _ = PLACES[place]
    value = {"no-such-key": 1}

    said = chart.refusal("graph", nested(path, value))

    assert "no-such-key" in said
    assert f"at '/{'/'.join(path)}'" in said or not path


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("topology", "Graph"),
        ("rollout", "R1"),
        ("gateway.mode", "grpc"),
        ("predict.device", "gpu"),
        ("predict.replicas.min", 0),
        ("predict.replicas.max", "4"),
        ("predict.resources.limits.memory", "1 GB"),
        ("predict.env", [{"nmae": "A", "value": "1"}]),
        ("preprocess.nodeSelector", {"pool": 1}),
        ("image.pullPolicy", "Sometimes"),
        ("image.pullSecrets", ["registry"]),
        ("pair.alias", ""),
        ("pair.model", ""),
        ("resolve.deadline", 0),
        ("server.maxRows", 0),
        ("server.logLevel", "debug"),
        ("autoscaling.scaleUpCPU", 101),
        ("keda.prometheusUrl", "prometheus:9090"),
        ("timeouts.step", 0),
        ("security.user", 0),
        ("route.hostnames", ["http://a.b"]),
        ("standby", ["r2", "r2"]),
        ("features.window", 0),
        ("controller.enabled", "yes"),
        ("controller.keep", 11),
        ("controller.pollSeconds", 0),
        ("controller.progressDeadline", 9),
        ("controller.drain", -1),
        ("monitoring.podMonitor.interval", "15"),
        ("monitoring.rules.runbookUrl", "https://a.b/operations.md#top"),
        ("monitoring.rules.series", "sales"),
        ("monitoring.rules.thresholds.errorShare", 1.5),
        ("monitoring.rules.thresholds.p99Seconds", 0),
        ("monitoring.rules.thresholds.driftAgainst", "a day"),
        ("monitoring.dashboard.labels", {"grafana_dashboard": 1}),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(chart, path, wrong):
    """Types, choices, patterns and ranges."""
    said = chart.refusal("graph", nested(path.split("."), wrong))

    assert f"/{path.replace('.', '/')}" in said
