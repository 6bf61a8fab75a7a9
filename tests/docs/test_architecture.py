"""docs/architecture.md leads through files that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
SOURCES = [ROOT / root / "twinpin" for root in ("src", "transformers", "predictor")]


@pytest.mark.parametrize("file", sorted(set(re.findall(r"`(\w+/\w+\.(?:py|yaml))`", PAGE.read_text()))))
def test_a_file_that_the_page_names_exists(file):
    """A reader who follows a flow through the code finds each file where the page says."""
    assert any((source / file).is_file() for source in SOURCES)
