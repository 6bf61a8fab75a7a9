"""The table: CPU per request first, as it survives a noisy machine; then latencies; the floor's figures as ratios."""

import statistics
from collections.abc import Mapping, Sequence

from measuring.parts import STEPS

Cell = Mapping[str, float]
Round = Mapping[str, Cell]


def median(rounds: Sequence[Round], cell: str, figure: str) -> float:
    """Return the median of one figure over the rounds that have it; NaN where none has."""
    values = [each[cell][figure] for each in rounds if figure in each.get(cell, {})]
    return statistics.median(values) if values else float("nan")


def cpu_table(results: Mapping[str, Sequence[Round]], kinds: Sequence[str], clients: int) -> str:
    """Render CPU in ms per request and, behind it, the multiple of the floor's."""
    lines = [f"| CPU ms per request, {clients} clients | " + " | ".join(kinds) + " | PSS MB |"]
    lines.append("|---" * (len(kinds) + 2) + "|")
    for name, rounds in results.items():
        memory = f"{median(rounds, 'memory', 'pss_mb'):.0f}"
        for label, prefix in ((name, ""), (f"{name}, gRPC", "grpc ")):
            cells = [_against(results, rounds, prefix, f"{kind}/{clients}") for kind in kinds]
            if any(cells):
                lines.append(f"| {label} | " + " | ".join(cells) + f" | {memory if not prefix else ''} |")
    return "\n".join(lines)


def latency_table(results: Mapping[str, Sequence[Round]], kinds: Sequence[str], clients: Sequence[int]) -> str:
    """Render p50 / p99 in ms for each number of clients."""
    lines = ["| p50 / p99 ms | clients | " + " | ".join(kinds) + " |", "|---" * (len(kinds) + 2) + "|"]
    for name, rounds in results.items():
        for count in clients:
            cells = [_latency(rounds, f"{kind}/{count}") for kind in kinds]
            lines.append(f"| {name} | {count} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _latency(rounds: Sequence[Round], cell: str) -> str:
    p50, p99 = median(rounds, cell, "p50_ms"), median(rounds, cell, "p99_ms")
    return "" if p50 != p50 else f"{p50:.1f} / {p99:.1f}"  # noqa: PLR0124 -- NaN: not measured


def parts_table(results: Mapping[str, Sequence[Round]], kinds: Sequence[str]) -> str:
    """Render, for one client, the ms in each step and the rest: protocol, hops, the client itself."""
    lines = [
        "| ms of a request, 1 client | kind | features | preprocess | predict | all else |",
        "|---|---|---|---|---|---|",
    ]
    for name, rounds in results.items():
        for kind in kinds:
            steps = [median(rounds, f"{kind}/1", f"{step}_ms") for step in STEPS]
            if sum(steps) > 0:
                rest = median(rounds, f"{kind}/1", "mean_ms") - sum(steps)
                cells = " | ".join(f"{value:.2f}" for value in (*steps, rest))
                lines.append(f"| {name} | {kind} | {cells} |")
    return "\n".join(lines)


def _against(results: Mapping[str, Sequence[Round]], rounds: Sequence[Round], prefix: str, cell: str) -> str:
    """Render the CPU of a cell, and the multiple of what the floor takes over HTTP."""
    value = median(rounds, prefix + cell, "cpu_ms")
    if value != value:  # noqa: PLR0124 -- NaN: not measured
        return ""
    return f"{value:.2f} ({value / median(results['floor'], cell, 'cpu_ms'):.1f}x)"
