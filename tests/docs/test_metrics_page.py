"""docs/metrics.md names every metric, with its kind, its labels and what it says."""

import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from twinpin.rollout.conditions import PHASES
from twinpin.rollout.metrics import FAULTS, OUTCOMES, Metrics
from twinpin.rollout.telling import SWITCHES
from twinpin.step import observed, telemetry

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
ROW = re.compile(r"^\| `(twinpin_\w+?)(?:\{(.+)\})?` \| (\w+) \| (.+) \|$", re.MULTILINE)
SUFFIX = {"counter": "_total"}


def described(registry):
    """What a registry holds, as rows of the page: name, kind, sentence."""
    collectors = [each for each in registry._collector_to_names if hasattr(each, "describe")]
    families = [each for collector in collectors for each in collector.describe()]
    ours = [each for each in families if each.name.startswith("twinpin_")]
    return {(each.name + SUFFIX.get(each.type, ""), each.type, each.documentation) for each in ours}


def rows(heading):
    """The rows under a heading."""
    (section,) = [each for each in PAGE.split("\n## ") if each.startswith(heading)]
    return {(name, kind, sentence) for name, _, kind, sentence in ROW.findall(section)}


def labels():
    """The labels that the page names, by metric."""
    return {name: tuple(given.split(", ")) if given else () for name, given, _, _ in ROW.findall(PAGE)}


def test_the_servers_metrics_are_documented():
    """No more and no less."""
    assert telemetry.REQUESTS
    assert observed.OBSERVATIONS
    assert rows("Gateway") == described(REGISTRY)


def test_the_controllers_metrics_are_documented():
    """No more and no less."""
    assert rows("The controller") == described(Metrics().registry)


@pytest.mark.parametrize("registry", [REGISTRY, Metrics().registry], ids=["servers", "controller"])
def test_labels_are_documented(registry):
    """As they stand in braces."""
    collectors = [each for each in registry._collector_to_names if hasattr(each, "_labelnames")]
    ours = {each.describe()[0].name: each for each in collectors if each._name.startswith("twinpin_")}

    assert ours
    for family in observed.OBSERVATIONS.describe() if registry is REGISTRY else ():
        assert labels()[family.name + SUFFIX.get(family.type, "")] == family._labelnames
    for each in ours.values():
        name = each.describe()[0].name + SUFFIX.get(each._type, "")
        assert labels()[name] == each._labelnames


@pytest.mark.parametrize("word", [*PHASES, *SWITCHES, *OUTCOMES, *FAULTS.values()])
def test_every_value_of_a_label_is_documented(word):
    """Whoever writes an alert finds it."""
    assert f"`{word}`" in PAGE
