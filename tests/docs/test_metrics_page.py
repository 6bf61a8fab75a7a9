"""docs/metrics.md names every metric, with its kind, its labels and what it says."""

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client import REGISTRY

from twinpin.rollout.conditions import PHASES
from twinpin.rollout.metrics import FAULTS, OUTCOMES, Metrics
from twinpin.rollout.telling import SWITCHES
from twinpin.step import observed, telemetry

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "metrics.md").read_text()
FILES = ROOT / "helm" / "twinpin" / "files"
DASHBOARD = json.loads((FILES / "dashboards" / "twinpin.json").read_text())
ALERTS = [
    rule
    for file in sorted((FILES / "alerts").glob("*.yaml"))
    for rule in yaml.safe_load(file.read_text().replace("@", ""))["rules"]
]
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


def test_every_alert_is_on_the_page():
    """With its severity, how long it must have been so, what it says, and where to read on."""
    told = re.findall(
        r"^\| \[`(\w+)`\]\(operations\.md(#[\w-]+)\) \| (\w+) \| ([\w ]+) \| (.+) \|$", PAGE, re.MULTILINE
    )
    shipped = [
        (
            each["alert"],
            each["annotations"]["runbook_url"],
            each["labels"]["severity"],
            each.get("for", "at once"),
            each["annotations"]["summary"],
        )
        for each in ALERTS
    ]

    assert sorted(told) == sorted(shipped)


def written():
    """The series that processes of ours write."""
    names = {name for name, _, _ in described(REGISTRY) | described(Metrics().registry)}
    kinds = {name: kind for name, kind, _ in described(REGISTRY) | described(Metrics().registry)}
    parts = {f"{name}_{part}" for name in names if kinds[name] == "histogram" for part in ("bucket", "sum", "count")}
    return names, {name for name in names if kinds[name] != "histogram"} | parts


def asked(queries):
    """The series of ours that queries ask for."""
    return set(re.findall(r"\btwinpin_\w+", " ".join(queries)))


def shown():
    """Every query of the dashboard."""
    targets = [each for panel in DASHBOARD["panels"] for each in panel.get("targets", ())]
    return [each["expr"] for each in targets] + [each["query"] for each in DASHBOARD["templating"]["list"]]


def test_alerts_ask_for_metrics_that_exist():
    """One on a metric that nobody writes never fires."""
    assert asked(each["expr"] for each in ALERTS) <= written()[1]


def test_the_dashboard_asks_for_metrics_that_exist():
    """A panel that is always empty says that all is well."""
    assert asked(shown()) <= written()[1]


def test_the_dashboard_shows_every_metric():
    """What is worth counting is worth a look."""
    families = {re.sub(r"_(bucket|sum|count)$", "", each) for each in asked(shown())}

    assert families == written()[0]
