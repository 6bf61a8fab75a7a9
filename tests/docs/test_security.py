"""docs/security.md names tests that are there, for every control, and values that the chart takes."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("|---")]


@pytest.mark.parametrize(("file", "test"), NAMED, ids=[f"{file}-{test}" for file, test in NAMED])
def test_a_control_names_its_test(file, test):
    """Whoever doubts it finds what shows it."""
    source = (ROOT / file).read_text()

    assert not test or re.search(rf"^(async )?def {test}\(", source, flags=re.MULTILINE)


def test_every_control_has_a_test():
    """A row of a table with tests that names none is a claim."""
    without = []
    tested = False
    for row in ROWS:
        if row.endswith("| test |"):
            tested = True
        elif re.match(r"\| (who|what) \|", row):
            tested = False
        elif tested and not row.endswith("` |"):
            without.append(row)

    assert without == []
    assert len(NAMED) > 50


def test_the_issue_tracker_is_no_place_for_a_vulnerability():
    """SECURITY.md says where, and is short enough to be read by who is in a hurry."""
    text = (ROOT / "SECURITY.md").read_text()

    assert "Report a vulnerability" in text
    assert len(text.splitlines()) < 15
