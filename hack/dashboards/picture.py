"""Draw the dashboard from a Prometheus that runs, where no Grafana is."""

import json
import math
import re
import time
import urllib.parse
import urllib.request
from typing import Any, TypeAlias

import click
import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dashboards.__main__ import FILE

Document: TypeAlias = dict[str, Any]
#: What a series is called, its times and its values.
Series: TypeAlias = tuple[str, list[float], list[float]]

#: Inches of one column and of one row of Grafana's grid.
COLUMN, ROW = 0.8, 0.36
#: A name that is longer is cut.
LONGEST = 48


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("to", type=click.Path(dir_okay=False))
@click.option("--prometheus", default="http://127.0.0.1:9090", show_default=True, help="Its address.")
@click.option("--namespace", default="", help="Namespace of the release; empty: it is in no cluster.")
@click.option("--release", required=True, help="The release, or the job that scrapes it.")
@click.option("--column", default="forecast", show_default=True, help="Column of the panels of drift.")
@click.option("--minutes", default=180.0, show_default=True, help="Time to look back on.")
def main(to: str, prometheus: str, minutes: float, **variables: str) -> None:
    """Draw the dashboard into the file TO, PNG or SVG by its name."""
    mpl.use("agg")
    panels = json.loads(FILE.read_text(encoding="utf-8"))["panels"]
    bottom = max(each["gridPos"]["y"] + each["gridPos"]["h"] for each in panels)
    figure = Figure(figsize=(24 * COLUMN, bottom * ROW), facecolor="white")
    variables["__rate_interval"] = variables["__interval"] = f"{max(5, round(minutes / 2))}s"
    for panel in panels:
        place = panel["gridPos"]
        left, low = place["x"] / 24 + 0.02, 1 - (place["y"] + place["h"]) / bottom
        axes = figure.add_axes((left, low, place["w"] / 24 - 0.03, max(place["h"] - 1.2, 0.1) / bottom))
        axes.set_title(
            panel["title"], loc="left", fontsize=9, fontweight="bold" if panel["type"] == "row" else "normal"
        )
        if panel["type"] == "row":
            axes.set_axis_off()
        else:
            _draw(panel, axes, [each for one in panel["targets"] for each in _ask(prometheus, one, variables, minutes)])
    figure.savefig(to, dpi=72)


def _draw(panel: Document, axes: Axes, found: list[Series]) -> None:
    """Draw one panel after its type."""
    axes.tick_params(labelsize=6)
    if panel["type"] == "stat":
        axes.set_axis_off()
        named = panel["options"]["textMode"] == "name"
        text = "\n".join(name if named else f"{values[-1]:.4g}" for name, _, values in found)
        axes.text(0.5, 0.4, text or panel["fieldConfig"]["defaults"]["noValue"], ha="center", va="center", fontsize=14)
    elif panel["type"] == "state-timeline":
        colours = ["tab:grey", "tab:green"]
        for line, (_, times, values) in enumerate(found):
            axes.scatter(times, [line] * len(times), c=[colours[value > 0] for value in values], s=12, marker="s")
        axes.set_yticks(range(len(found)), [name[:LONGEST] for name, _, _ in found])
    else:
        for name, times, values in found:
            axes.plot(times, values, label=name[:LONGEST], linewidth=1)
        if found:
            axes.legend(fontsize=5, loc="upper left")
    axes.set_xticks([])


def _ask(prometheus: str, target: Document, variables: dict[str, str], minutes: float) -> list[Series]:
    """Ask one query of a panel."""
    now, query = time.time(), target["expr"]
    for name, value in variables.items():
        query = query.replace(f"${name}", value)
    words = {"query": query, "start": now - minutes * 60, "end": now, "step": max(1, minutes / 4)}
    with urllib.request.urlopen(f"{prometheus}/api/v1/query_range?{urllib.parse.urlencode(words)}") as answer:  # noqa: S310 -- an address of the user's
        found = json.loads(answer.read())["data"]["result"]
    return [(_called(target["legendFormat"], each["metric"]), *_numbers(each["values"])) for each in found]


def _called(legend: str, labels: dict[str, str]) -> str:
    """Name a series as Grafana does."""
    return re.sub(r"\{\{(\w+)\}\}", lambda each: labels.get(each[1], ""), legend)


def _numbers(values: list[tuple[float, str]]) -> tuple[list[float], list[float]]:
    """Take the times and values that can be drawn."""
    there = [(float(at), float(value)) for at, value in values if math.isfinite(float(value))]
    return [at for at, _ in there], [value for _, value in there]


if __name__ == "__main__":
    main(prog_name="hack/dashboard draw")
