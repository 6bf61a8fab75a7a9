"""The table: CPU per request first, as it survives a noisy machine; then latencies; the floor's figures as ratios."""

import statistics
from collections.abc import Mapping, Sequence

Cell = Mapping[str, float]
Round = Mapping[str, Cell]


def median(rounds: Sequence[Round], cell: str, figure: str) -> float:
    """Return the median of one figure over the rounds that have it; NaN where none has."""
    values = [each[cell][figure] for each in rounds if cell in each]
    return statistics.median(values) if values else float("nan")


def cpu_table(results: Mapping[str, Sequence[Round]], kinds: Sequence[str], clients: int) -> str:
    """Render CPU in ms per request and, behind it, the multiple of the floor's."""
    lines = [f"| CPU ms per request, {clients} clients | " + " | ".join(kinds) + " | PSS MB |"]
    lines.append("|---" * (len(kinds) + 2) + "|")
    for name, rounds in results.items():
        cells = [_against(results, rounds, f"{kind}/{clients}", "cpu_ms") for kind in kinds]
        memory = median(rounds, "memory", "pss_mb")
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {memory:.0f} |")
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


def _against(results: Mapping[str, Sequence[Round]], rounds: Sequence[Round], cell: str, figure: str) -> str:
    value = median(rounds, cell, figure)
    if value != value:  # noqa: PLR0124 -- NaN: not measured
        return ""
    return f"{value:.2f} ({value / median(results['floor'], cell, figure):.1f}x)"
