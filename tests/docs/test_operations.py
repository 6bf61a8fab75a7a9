"""docs/operations.md tells of each accident in one shape, and names the test that makes it."""

import re
from pathlib import Path

import pytest

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
CLUSTER = ROOT / "tests" / "cluster"
MADE = {
    f"tests/cluster/{file.name}::{name}"
    for file in CLUSTER.glob("test_cluster_accidents*.py")
    for name in re.findall(r"^def (test_\w+)\(", file.read_text(), flags=re.MULTILINE)
}


@pytest.mark.parametrize("title", ACCIDENTS)
def test_an_accident_is_told_in_the_same_shape(title):
    """Who reads it at night knows where to look."""
    told = re.findall(r"^- \*\*(\w+)\*\*: ", ACCIDENTS[title], flags=re.MULTILINE)

    assert told[:4] == ["Sign", "Cause", "Twinpin", "Cure"]
    assert set(told[4:]) == {"Test"}


@pytest.mark.parametrize("title", ACCIDENTS)
def test_an_accident_names_tests_that_are_there(title):
    """Each of them makes it happen on a cluster."""
    named = re.findall(r"^- \*\*Test\*\*: `(.+)`$", ACCIDENTS[title], flags=re.MULTILINE)

    assert named
    assert set(named) <= MADE


def test_every_accident_that_is_tried_is_told():
    """A test without a word for whoever meets the accident is half the work."""
    named = {name for text in ACCIDENTS.values() for name in re.findall(r"`(tests/\S+)`", text)}

    assert named == MADE
