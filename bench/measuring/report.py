"""Report: the tables, in Markdown. CPU per request comes first, as it survives a noisy machine."""

import math
from collections.abc import Callable, Sequence

from measuring.goals import GOALS, Outcome, judge
from measuring.parts import STEPS
from measuring.results import Results
from measuring.roster import baseline
from measuring.work import KINDS

#: Clients of the table of CPU, where the results have them.
BUSY = 8
#: Figures that are not of a request: their words, and how they are written.
PLACE = {
    "start_s": ("start to right answers, s", "{:.1f}".format),
    "pss_mib": ("PSS MiB", "{:.0f}".format),
    "largest_mib": ("largest process, MiB", "{:.0f}".format),
    "idle_percent": ("idle CPU, % of a core", "{:.1f}".format),
    "difference": ("off by", "{:.0e}".format),
}


def report(results: Results) -> str:
    """Render everything."""
    tables = (cpu_table, latency_table, parts_table, place_table, goals_table)
    return "\n\n".join(text for text in (results.about, *(table(results) for table in tables)) if text)


def cpu_table(results: Results) -> str:
    """Render CPU in ms per request and, behind it, the multiple of the floor that does the same work."""
    clients = busy(results)
    rows = []
    for name in results.rounds:
        for label, prefix in ((name, ""), (f"{name}, gRPC", "grpc ")):
            cells = [_against(results, name, kind, prefix, clients) for kind in KINDS]
            if any(cells):
                rows.append([label, *cells])
    return _table([f"CPU ms per request, {clients} clients", *KINDS], rows)


def latency_table(results: Results) -> str:
    """Render p50 / p99 in ms for each number of clients."""
    rows = [
        [name, str(count), *(_latency(results, name, f"{kind}/{count}") for kind in KINDS)]
        for name in results.rounds
        for count in results.clients
    ]
    return _table(["p50 / p99 ms", "clients", *KINDS], rows)


def parts_table(results: Results) -> str:
    """Render, for one client, the ms in each step and the rest: protocol, hops, the client itself."""
    rows = []
    for name in results.rounds:
        for kind in KINDS:
            cell = f"{kind}/1"
            steps = [results.figure(name, cell, f"{step}_ms") for step in STEPS]
            if sum(steps) > 0:
                rest = results.figure(name, cell, "mean_ms") - sum(steps)
                rows.append([name, kind, *(f"{value:.2f}" for value in (*steps, rest))])
    return _table(["ms of a request, 1 client", "kind", *STEPS, "all else"], rows)


def place_table(results: Results) -> str:
    """Render what a server takes apart from requests, and how right it was."""
    rows = []
    for name in results.rounds:
        cells = [_number(results.figure(name, "server", figure), render) for figure, (_, render) in PLACE.items()]
        rows.append([name, str(len(results.rounds[name])), *cells])
    return _table(["server", "rounds", *(words for words, _ in PLACE.values())], rows)


def goals_table(results: Results) -> str:
    """Render what was aimed at, and whether it is reached; of several requests the one farthest from it is shown."""
    rows = [_goal(judge(results, goal)) for goal in GOALS if goal.server in results.rounds]
    return _table(["goal", "server", "aimed at", "measured", "reached"], rows)


def busy(results: Results) -> int:
    """Return the number of clients of the table of CPU."""
    return BUSY if BUSY in results.clients else max(results.clients)


def _goal(outcome: Outcome) -> list[str]:
    goal = outcome.goal
    verdict = {None: "not measured", True: "yes", False: "**no**"}
    return [goal.work, goal.server, goal.aim, outcome.measured, verdict[outcome.reached]]


def _against(results: Results, name: str, kind: str, prefix: str, clients: int) -> str:
    """Render the CPU of a cell, and the multiple of what the floor takes over HTTP."""
    cell = f"{kind}/{clients}"
    value = results.figure(name, prefix + cell, "cpu_ms")
    floor = results.figure(baseline(name, kind), cell, "cpu_ms")
    return _number(value, "{:.2f}".format) + _number(value / floor, " ({:.1f}x)".format)


def _latency(results: Results, name: str, cell: str) -> str:
    p50, p99 = (results.figure(name, cell, figure) for figure in ("p50_ms", "p99_ms"))
    return _number(p50, "{:.1f}".format) + _number(p99, " / {:.1f}".format)


def _number(value: float, render: Callable[[float], str]) -> str:
    """Render a number; nothing where it was not measured."""
    return "" if math.isnan(value) else render(value)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Render a table; nothing where it has no row."""
    if not rows:
        return ""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
