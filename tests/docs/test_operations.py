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
NAMED = {
    title: re.findall(r"^- \*\*Test\*\*: `(tests/[\w/]+\.py)::(\w+)`$", text, flags=re.MULTILINE)
    for title, text in ACCIDENTS.items()
}


def named_in(file):
    """Name the tests of a file."""
    return re.findall(r"^def (test_\w+)\(", file.read_text(), flags=re.MULTILINE)


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
