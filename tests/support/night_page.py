"""docs/operations.md as tests read it: each accident with what tells of it and what makes it."""

import dataclasses
import functools
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: What stands before each accident: how to look.
BEGINNING = "Look first"
NONE = "none"


@dataclasses.dataclass(frozen=True)
class Told:
    """One accident as the page tells it."""

    title: str
    text: str

    @property
    def shape(self):
        """List the first words of its items."""
        return re.findall(r"^- \*\*(\w+)\*\*: ", self.text, flags=re.MULTILINE)

    @property
    def alert(self):
        """Name the alert that wakes somebody; `none` where it stands why none does."""
        return self._named("Alert")

    @property
    def panel(self):
        """Name the panel of the dashboard that shows it; `none` likewise."""
        return self._named("Panel")

    @property
    def tests(self):
        """List the tests that make it happen: file and function."""
        return re.findall(r"^- \*\*Test\*\*: `(tests/[\w/]+\.py)::(\w+)`$", self.text, flags=re.MULTILINE)

    def _named(self, what):
        """Read the name, in backticks, or the word for no name, which a reason follows."""
        (found,) = re.findall(rf"^- \*\*{what}\*\*: (?:`([^`]+)`|({NONE}), )", self.text, flags=re.MULTILINE)
        return found[0] or found[1]


@functools.cache
def accidents():
    """Read them all."""
    page = (ROOT / "docs" / "operations.md").read_text()
    found = re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", page, flags=re.MULTILINE | re.DOTALL)
    return [Told(*each) for each in found if each[0] != BEGINNING]


def accident_of(file, function):
    """Find the accident that a test makes."""
    (found,) = (each for each in accidents() if (file, function) in each.tests)
    return found
