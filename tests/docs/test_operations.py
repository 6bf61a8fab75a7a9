"""docs/operations.md tells of each accident in one shape, and names the test that makes it."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
#: What stands before each accident: how to look.
BEGINNING = "Look first"
ACCIDENTS = {
    title: text
    for title, text in re.findall(
        r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", (ROOT / "docs" / "operations.md").read_text(), flags=re.MULTILINE | re.DOTALL
    )
    if title != BEGINNING
}
NAMED = {
    title: re.findall(r"^- \*\*Test\*\*: `(tests/[\w/]+\.py)::(\w+)`$", text, flags=re.MULTILINE)
    for title, text in ACCIDENTS.items()
}

ALERTS = [
    rule
    for file in sorted((ROOT / "helm" / "twinpin" / "files" / "alerts").glob("*.yaml"))
    for rule in yaml.safe_load(file.read_text().replace("@", ""))["rules"]
]


def anchor(title):
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def named_in(file):
    """Name the tests of a file."""
    return re.findall(r"^(?:async )?def (test_\w+)\(", file.read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("title", ACCIDENTS)
def test_an_accident_is_told_in_the_same_shape(title):
    """Who reads it at night knows where to look."""
    told = re.findall(r"^- \*\*(\w+)\*\*: ", ACCIDENTS[title], flags=re.MULTILINE)

    assert told[:4] == ["Sign", "Cause", "Twinpin", "Cure"]
    assert set(told[4:]) == {"Test"}


@pytest.mark.parametrize("title", ACCIDENTS)
def test_an_accident_names_tests_that_are_there(title):
    """Each of them makes it happen."""
    named = NAMED[title]

    assert named
    assert all(test in named_in(ROOT / file) for file, test in named)


def test_every_accident_that_is_made_on_a_cluster_is_told():
    """A test without a word for whoever meets the accident is half the work."""
    files = (ROOT / "tests" / "cluster").glob("test_cluster_accidents*.py")
    made = {(f"tests/cluster/{file.name}", test) for file in files for test in named_in(file)}

    assert made
    assert made <= {each for named in NAMED.values() for each in named}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda each: each["alert"])
def test_an_alert_leads_to_an_accident_that_knows_its_name(alert):
    """Whoever was woken finds the name that woke them in the first lines."""
    (text,) = [text for title, text in ACCIDENTS.items() if f"#{anchor(title)}" == alert["annotations"]["runbook_url"]]
    sign = text.partition("- **Cause**")[0]

    assert f"`{alert['alert']}`" in sign


def test_the_page_names_no_alert_that_is_not_there():
    """One that was taken out, or called otherwise, would be looked for in vain."""
    named = set(re.findall(r"`(Twinpin[A-Z]\w+)`", "".join(ACCIDENTS.values())))

    assert named == {each["alert"] for each in ALERTS}
