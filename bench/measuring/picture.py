"""Picture: CPU per request of every server, a panel per kind, as SVG that is legible on white and on black."""

import math
from pathlib import Path
from typing import Any

from measuring.report import busy
from measuring.results import Results
from measuring.roster import FLOORS, TWINPIN
from measuring.work import KINDS

TITLES = {
    "payload": "row in the request",
    "entity_1": "one entity",
    "entities_5": "5 entities",
    "entities_100": "100 entities",
}
#: Mid tones, which stand out from a white page and from a black one.
INK, FLOOR, TWINPIN_COLOUR, PEER = "#7d8590", "#8b949e", "#1f9e77", "#b07d48"
WIDTH, ROW_HEIGHT = 10.0, 0.30


def draw(results: Results, path: Path) -> None:
    """Draw the servers that were measured, in their order."""
    import matplotlib as mpl  # noqa: PLC0415 -- slow, and most runs draw nothing

    mpl.use("svg")
    mpl.rcParams.update(STYLE)
    from matplotlib import pyplot as plt  # noqa: PLC0415

    names = list(results.rounds)
    size = (WIDTH, ROW_HEIGHT * len(names) + 0.8)
    figure, panels = plt.subplots(1, len(KINDS), sharex=True, sharey=True, figsize=size, layout="constrained")
    table = {kind: [results.figure(name, f"{kind}/{busy(results)}", "cpu_ms") for name in names] for kind in KINDS}
    measured = [value for values in table.values() for value in values if not math.isnan(value)]
    panels[0].set_xscale("log")
    panels[0].set_xlim(min(measured) / 2, max(measured) * 5)
    for panel, (kind, values) in zip(panels, table.items(), strict=True):
        _panel(panel, names, values, TITLES[kind])
    panels[0].invert_yaxis()
    panels[0].set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    for label, name in zip(panels[0].get_yticklabels(), names, strict=True):
        label.set_color(_colour(name))
    figure.supxlabel(f"CPU per request in ms, {busy(results)} clients, logarithmic", fontsize=9)
    figure.savefig(path, transparent=True, metadata={"Date": None})
    plt.close(figure)


def _panel(panel: Any, names: list[str], values: list[float], title: str) -> None:
    """Draw one kind: a bar per server, its value behind it, no axis."""
    panel.barh(range(len(names)), values, color=[_colour(name) for name in names], height=0.62)
    for place, value in enumerate(values):
        if not math.isnan(value):
            panel.annotate(_label(value), (value, place), (3, 0), textcoords="offset points", va="center", fontsize=8)
    panel.set_title(title, fontsize=10, loc="left")
    panel.xaxis.set_visible(False)
    panel.tick_params(length=0)
    for spine in panel.spines.values():
        spine.set_visible(False)


def _label(value: float) -> str:
    """Write two figures, or all before the point."""
    return f"{value:.{max(0, 1 - math.floor(math.log10(value)))}f}"


def _colour(name: str) -> str:
    return FLOOR if name in FLOORS else TWINPIN_COLOUR if name in TWINPIN else PEER


STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "bench",
    "font.family": "sans-serif",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
