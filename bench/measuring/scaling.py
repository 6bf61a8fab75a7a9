"""Scaling: what the cluster's tests saw while clients came and went, as a picture and as a table."""

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import click

from measuring.picture import INK, STYLE

#: The two runs, in their order, as their files are called.
RUNS = ("cpu", "queue")
PODS, SIGNAL, FAST, SLOW = "#1f9e77", "#b07d48", "#7d8590", "#c0564b"
WORDS = {"CPU": "CPU of all pods, cores", "queue": "requests in hand, all pods"}

Course = dict[str, Any]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--picture", type=click.Path(path_type=Path, dir_okay=False), help="Draw it into this SVG file.")
def main(folder: Path, picture: Path | None) -> None:
    """Print the runs of FOLDER as a Markdown table."""
    courses = [json.loads((folder / f"{name}.json").read_text()) for name in RUNS if (folder / f"{name}.json").exists()]
    if not courses:
        sys.exit(f"error: {folder} has no figures: run hack/test-cluster -k scaling with TWINPIN_TEST_FIGURES={folder}")
    sys.stdout.write("\n".join(table(courses)) + "\n")
    if picture:
        draw(courses, picture)


def table(courses: list[Course]) -> list[str]:
    """Write a line for each phase of each run."""
    lines = ["| scaled by | clients | seconds | pods | requests/s | p50 | p99 |", "|---|---|---|---|---|---|---|"]
    return lines + [_line(course, phase) for course in courses for phase in course["phases"]]


def _line(course: Course, phase: Course) -> str:
    """Sum one phase up: medians of its windows."""
    begun, ended = phase["begun"], phase["ended"]
    pods = [int(number) for second, number in course["pods"] if begun <= second < ended]
    held = [each for each in course["latencies"] if begun <= each[0] < ended]
    rate, fast, slow = (statistics.median(each[place] for each in held) for place in (1, 2, 3))
    steps = " → ".join(str(each) for place, each in enumerate(pods) if place == 0 or pods[place - 1] != each)
    return (
        f"| {course['scaled_by']} | {phase['name']} | {ended - begun:.0f} | {steps} | {rate:.0f} | {fast:.0f} ms |"
        f" {slow:.0f} ms |"
    )


def draw(courses: list[Course], path: Path) -> None:
    """Draw each run: pods and what they are scaled by above, latency below."""
    import matplotlib as mpl  # noqa: PLC0415 -- slow, and most runs draw nothing

    mpl.use("svg")
    mpl.rcParams.update(STYLE)
    from matplotlib import pyplot as plt  # noqa: PLC0415

    size = (5.2 * len(courses), 4.6)
    figure, panels = plt.subplots(2, len(courses), sharex="col", squeeze=False, figsize=size, layout="constrained")
    for (above, below), course in zip(panels.T, courses, strict=True):
        _pods(above, course)
        _latency(below, course)
    figure.savefig(path, transparent=True, metadata={"Date": None})
    plt.close(figure)


def _pods(panel: Any, course: Course) -> None:
    """Draw the pods as steps, and the signal beside them."""
    panel.set_title(f"{course['step']} scaled by {course['scaled_by']}", fontsize=10, loc="left")
    panel.step(*zip(*course["pods"], strict=True), where="post", color=PODS, linewidth=1.8)
    panel.set_ylabel("pods", color=PODS, fontsize=9)
    panel.set_ylim(0, max(number for _, number in course["pods"]) + 0.6)
    panel.yaxis.get_major_locator().set_params(integer=True)
    beside = panel.twinx()
    beside.plot(*zip(*course["signal"], strict=True), color=SIGNAL, linewidth=0.8)
    beside.set_ylabel(WORDS[course["scaled_by"]], color=SIGNAL, fontsize=9)
    beside.set_ylim(bottom=0)
    for each in (panel, beside):
        each.spines["top"].set_visible(False)
    _phases(panel, course)


def _latency(panel: Any, course: Course) -> None:
    """Draw p50 and p99 of what clients met."""
    seconds = [each[0] for each in course["latencies"]]
    for place, name, colour in ((2, "p50", FAST), (3, "p99", SLOW)):
        panel.plot(seconds, [each[place] for each in course["latencies"]], color=colour, linewidth=1.2, label=name)
    panel.set_yscale("log")
    panel.set_ylabel("latency, ms", fontsize=9)
    panel.set_xlabel("seconds", fontsize=9)
    panel.legend(fontsize=8, frameon=False, loc="upper right", labelcolor=INK)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)
    _phases(panel, course)


def _phases(panel: Any, course: Course) -> None:
    """Mark when many clients came and went."""
    for phase in course["phases"][1:]:
        panel.axvline(phase["begun"], color=INK, linewidth=0.6, linestyle="dotted")


if __name__ == "__main__":
    main(prog_name="bench/scaling")
