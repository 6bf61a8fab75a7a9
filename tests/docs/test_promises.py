"""docs/promises.md names tests that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (ROOT / "docs" / "promises.md").read_text())


@pytest.mark.parametrize(("file", "test"), NAMED, ids=[f"{file}-{test}" for file, test in NAMED])
def test_a_promise_names_its_test(file, test):
    """Whoever doubts a promise finds what proves it."""
    source = (ROOT / file).read_text()

    assert not test or re.search(rf"^(async )?def {test}\(", source, flags=re.MULTILINE)


def test_every_table_was_read():
    """Another form of the names would leave nothing to hold the page to."""
    assert len(NAMED) > 25
