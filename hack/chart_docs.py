"""Write the tables of values in the chart's README from values.yaml; with --check only say whether they are right."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[1] / "helm" / "twinpin"
#: Between these two lines of the README stands what is made here.
BEGIN, END = "<!-- values: made by hack/chart-docs -->\n", "<!-- end of values -->\n"
_KEY = re.compile(r"(?P<indent> *)(?P<key>[A-Za-z][A-Za-z0-9]*):")
_FIRST = re.compile(r" *# -- (?P<text>.+)")
_NEXT = re.compile(r" *# ?(?P<text>.*)")


@dataclass(frozen=True, slots=True)
class Value:
    """One value as users meet it."""

    path: tuple[str, ...]
    default: Any
    meaning: str

    @property
    def row(self) -> str:
        """One line of a table."""
        default = json.dumps(self.default, ensure_ascii=False).replace("|", "\\|")
        return f"| `{'.'.join(self.path)}` | `{default}` | {self.meaning.replace('|', chr(92) + '|')} |"


def values(text: str) -> Iterator[Value]:
    """List the values that have a comment `# -- …`, in their order."""
    document = yaml.safe_load(text)
    path: list[tuple[int, str]] = []
    comment: list[str] = []
    for line in text.splitlines():
        if first := _FIRST.fullmatch(line):
            comment = [first["text"]]
        elif line.lstrip().startswith("#"):
            comment += [_NEXT.fullmatch(line)["text"]] if comment else []  # type: ignore[index]
        elif key := _KEY.match(line):
            depth = len(key["indent"])
            path = [each for each in path if each[0] < depth] + [(depth, key["key"])]
            names = tuple(name for _, name in path)
            if comment:
                yield Value(names, find(document, names), " ".join(comment))
            comment = []


def find(document: Any, path: tuple[str, ...]) -> Any:
    """Read what stands at a path."""
    for name in path:
        document = document[name]
    return document


def tables(listed: list[Value]) -> str:
    """Render one table for what stands alone, and one for each group."""
    groups: dict[str, list[Value]] = {"": []}
    for each in listed:
        groups.setdefault(each.path[0] if len(each.path) > 1 else "", []).append(each)
    head = "| value | default | meaning |\n|---|---|---|\n"
    parts = []
    for name, members in groups.items():
        title = f"### {name}\n\n" if name else ""
        parts.append(title + head + "".join(f"{each.row}\n" for each in members))
    return "\n" + "\n".join(parts) + "\n"


def page(readme: str) -> str:
    """Put the tables into the README."""
    before, found, rest = readme.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (found and ended):
        raise SystemExit(f"README.md of the chart has lost the lines {BEGIN.strip()} and {END.strip()}")
    return before + BEGIN + tables([*values((CHART / "values.yaml").read_text(encoding="utf-8"))]) + END + after


def main(arguments: list[str]) -> int:
    """Write the tables, or compare them; 1 where they are out of date."""
    target = CHART / "README.md"
    there = target.read_text(encoding="utf-8")
    wanted = page(there)
    if "--check" not in arguments:
        target.write_text(wanted, encoding="utf-8")
        return 0
    if there == wanted:
        return 0
    print("helm/twinpin/README.md is out of date: run hack/chart-docs", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
