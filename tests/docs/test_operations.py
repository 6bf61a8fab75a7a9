"""docs/operations.md tells of each accident in one shape, and names what tells of it and the test that makes it."""

import re

import cluster_watch
import pytest
import yaml
from night_page import NONE, ROOT, accidents

ACCIDENTS = {each.title: each for each in accidents()}
ALERTS = [
    rule
    for file in sorted((ROOT / "helm" / "twinpin" / "files" / "alerts").glob("*.yaml"))
    for rule in yaml.safe_load(file.read_text().replace("@", ""))["rules"]
]
NAMES = {each["alert"] for each in ALERTS}


def anchor(title):
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def named_in(file):
    """Name the tests of a file, and the fixtures of each."""
    found = re.findall(r"^(?:async )?def (test_\w+)\(([^)]*)\)", file.read_text(), flags=re.MULTILINE)
    return {name: re.findall(r"\w+", fixtures) for name, fixtures in found}


def on_a_cluster(told):
    """List the tests of an accident that make it happen on a cluster, and the fixtures of each."""
    named = [(ROOT / file, test) for file, test in told.tests if file.startswith("tests/cluster/")]
    return {test: named_in(file)[test] for file, test in named}


@pytest.mark.parametrize("title", ACCIDENTS)
def test_an_accident_is_told_in_the_same_shape(title):
    """Who reads it at night knows where to look."""
    told = ACCIDENTS[title].shape

    assert told[:6] == ["Sign", "Cause", "Twinpin", "Cure", "Alert", "Panel"]
    assert set(told[6:]) == {"Test"}


@pytest.mark.parametrize("title", ACCIDENTS)
def test_an_accident_names_tests_that_are_there(title):
    """Each of them makes it happen."""
    named = ACCIDENTS[title].tests

    assert named
    assert all(test in named_in(ROOT / file) for file, test in named)


@pytest.mark.parametrize("title", ACCIDENTS)
def test_an_accident_names_an_alert_and_a_panel_that_are_there(title):
    """Or none, with the reason."""
    told = ACCIDENTS[title]

    assert told.alert in {*NAMES, NONE}
    assert told.panel == NONE or cluster_watch.queries(told.panel)


@pytest.mark.parametrize("title", [title for title, told in ACCIDENTS.items() if on_a_cluster(told)])
def test_an_accident_that_is_made_on_a_cluster_is_seen_there(title):
    """Its alert fires and its panel shows it, in one of its tests at least."""
    told = ACCIDENTS[title]

    assert told.panel == NONE or any("accident" in fixtures for fixtures in on_a_cluster(told).values())


def test_every_accident_that_is_made_on_a_cluster_is_told():
    """A test without a word for whoever meets the accident is half the work."""
    files = (ROOT / "tests" / "cluster").glob("test_cluster_accidents*.py")
    made = {(f"tests/cluster/{file.name}", test) for file in files for test in named_in(file)}

    assert made
    assert made <= {each for told in ACCIDENTS.values() for each in told.tests}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda each: each["alert"])
def test_an_alert_leads_to_an_accident_that_knows_its_name(alert):
    """Whoever was woken finds the name that woke them in the first lines."""
    (told,) = [told for title, told in ACCIDENTS.items() if f"#{anchor(title)}" == alert["annotations"]["runbook_url"]]
    sign = told.text.partition("- **Cause**")[0]

    assert f"`{alert['alert']}`" in sign


def test_the_page_names_no_alert_that_is_not_there():
    """One that was taken out, or called otherwise, would be looked for in vain."""
    named = set(re.findall(r"`(Twinpin[A-Z]\w+)`", "".join(told.text for told in ACCIDENTS.values())))

    assert named == NAMES
