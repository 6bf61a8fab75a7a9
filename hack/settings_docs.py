"""Write docs/settings.md from the dataclasses that are the settings; with --check only say whether it is up to date."""

import sys
from collections.abc import Iterator
from pathlib import Path

from twinpin.features.settings import Settings as Features
from twinpin.follow.settings import Settings as Follow
from twinpin.gateway.settings import RemoteSettings as Remote
from twinpin.gateway.settings import Settings as Gateway
from twinpin.graph.settings import Settings as Graph
from twinpin.pair.settings import Settings as Pair
from twinpin.predict.settings import Settings as Predict
from twinpin.preprocess.settings import Settings as Preprocess
from twinpin.rollout.settings import FaceSettings as Face
from twinpin.rollout.settings import Settings as Rollout
from twinpin.settings import Entry, entries
from twinpin.step.settings import ObserveSettings as Observe
from twinpin.step.settings import Settings as Server

TARGET = Path(__file__).parents[1] / "docs" / "settings.md"

HEAD = """# Settings

Every setting is a flag and an environment variable; the flag wins. `twinpin COMMAND --help` lists those of one command,
and `twinpin serve` takes all of them but the last three tables.
This page is made by `hack/settings-docs` from the code: change it there.
"""

TAIL = """
## Exit codes

| code | meaning | what to do |
|---|---|---|
| 0 | done, or stopped by SIGTERM after requests in flight were finished | |
| 1 | a server cannot start, or a defect (with its traceback) | read the sentence; report a traceback |
| 2 | a flag or a variable is wrong | `twinpin COMMAND --help` |
| 3 | refused: the alias names no pair, or one that was rejected | run what the message proposes |
| 4 | temporary: the registry is down, the alias half moved, another move under way, or time is over | run it again |
| 5 | any other fault of the pair | read the sentence |
| 130, 143 | a command was ended by Ctrl-C or by SIGTERM | `twinpin status`; on a cluster `twinpin rollout --no-wait` |
"""

#: Heading -> the dataclass, in the order in which somebody sets a product up.
SECTIONS: dict[str, type] = {
    "The pair: resolve, promote, rollback, status, storage": Pair,
    "The features step": Features,
    "The preprocess step": Preprocess,
    "The predict step": Predict,
    "Observing a pair: the preprocess and the predict step": Observe,
    "Every server": Server,
    "The graph": Graph,
    "The gateway": Gateway,
    "Following the alias: serve": Follow,
    "The gateway in a pod of its own": Remote,
    "On a cluster: controller, rollout, canary, history": Rollout,
    "The controller's own address": Face,
}


def document() -> str:
    """Render the page."""
    return HEAD + "".join(f"\n## {title}\n\n{table(settings)}\n" for title, settings in SECTIONS.items()) + TAIL


def table(settings: type) -> str:
    """Render one dataclass."""
    head = ["| flag | variable | default | meaning |", "|---|---|---|---|"]
    return "\n".join([*head, *rows(settings)])


def rows(settings: type) -> Iterator[str]:
    """Render one line per setting."""
    for entry in entries(settings):
        flag = entry.flag.replace("/", "`, `")
        yield f"| `{flag}` | `{entry.variable}` | {default(entry)} | {entry.help.replace('|', chr(92) + '|')} |"


def default(entry: Entry) -> str:
    """Write a default; nothing where there is none."""
    if entry.default is None:
        return ""
    return f"`{str(entry.default).lower() if isinstance(entry.default, bool) else entry.default}`"


def main(arguments: list[str]) -> int:
    """Write the page, or compare it; 1 where it is out of date."""
    wanted = document()
    if "--check" not in arguments:
        TARGET.write_text(wanted, encoding="utf-8")
        return 0
    if TARGET.exists() and TARGET.read_text(encoding="utf-8") == wanted:
        return 0
    print("docs/settings.md is out of date: run hack/settings-docs", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
