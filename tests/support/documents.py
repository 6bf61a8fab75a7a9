"""The documents of the repository, and the blocks of code in them."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / folder / "README.md" for folder in ("helm/twinpin", "hack/cluster", "manifests")),
    ]
)
#: Languages whose blocks are typed into a shell, and what stands before a command there.
PROMPTS = {"console": ("$ ", "# "), "sh": ("",), "bash": ("",)}
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Command:
    """What a reader types, on one line, and the lines that the page shows after it."""

    text: str
    shown: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """One fenced block: the heading that it stands under, its language and its text."""

    page: str
    heading: str
    language: str
    text: str

    @property
    def file(self):
        """The file that the block is, by its first line; None: it is none."""
        found = re.match(r"# ([\w./-]+\.\w+)\n", self.text)
        return found and found[1]

    @cached_property
    def commands(self):
        """The commands of a block that is typed, all its lines where none has a prompt; a backslash joins two."""
        commands = []
        lines = self.text.replace("\\\n", " ").splitlines()
        prompts = PROMPTS[self.language]
        if not any(line.startswith(each) for line in lines for each in prompts):
            prompts = ("",)
        for line in lines:
            prompt = next((each for each in prompts if line.startswith(each)), None)
            if prompt is not None and (prompt or line.strip()):
                commands.append(Command(_bare(line.removeprefix(prompt)), ()))
            elif commands:
                commands[-1] = Command(commands[-1].text, (*commands[-1].shown, line))
        return commands

    def __str__(self):
        """Name it by the first line."""
        first = self.commands[0].text if self.language in PROMPTS else self.text.splitlines()[0]
        return f"{self.page}: {first[:60]}"


def blocks(document):
    """List the blocks of a document."""
    text = document.read_text()
    page = str(document.relative_to(ROOT))
    for found in _FENCE.finditer(text):
        heading = [each[1] for each in _HEADING.finditer(_without_blocks(text[: found.start()]))]
        yield Block(page, heading[-1] if heading else "", found[1], found[2])


def _without_blocks(text):
    """Blank what stands in blocks: a comment there is no heading."""
    return _FENCE.sub("", text)


def _bare(line):
    """Take away a comment that explains a command, and the spaces around it."""
    return re.sub(r"\s+# .*$", "", line).strip()
