"""Latencies: how long each step took over the newest requests, for the page."""

from collections import deque
from collections.abc import Iterable

from twinpin.graph.transport import Timing

#: Newest calls per step that the figures are over.
WINDOW = 512
#: Distinct (node, step) pairs remembered: a document has a handful.
MOST_STEPS = 256


class Latencies:
    """The newest durations of each step of the graph, in seconds."""

    def __init__(self) -> None:
        self._seconds: dict[tuple[str, str], deque[float]] = {}

    def observe(self, timing: Timing) -> None:
        """Take one step's time from the executor; steps that gave no answer do not count."""
        key = (timing.node, timing.step)
        if not timing.status or (key not in self._seconds and len(self._seconds) >= MOST_STEPS):
            return
        if key not in self._seconds:
            self._seconds[key] = deque(maxlen=WINDOW)
        self._seconds[key].append(timing.seconds)

    def table(self) -> list[dict[str, object]]:
        """Return one row per step: calls seen, and the median and 99th percentile in milliseconds."""
        return [
            {"node": node, "step": step, "calls": len(seconds), **_percentiles(seconds)}
            for (node, step), seconds in self._seconds.items()
        ]


def _percentiles(seconds: Iterable[float]) -> dict[str, float]:
    """Give the median and the 99th percentile in milliseconds."""
    ordered = sorted(seconds)
    last = len(ordered) - 1
    return {name: round(1000 * ordered[round(last * share)], 3) for name, share in (("p50_ms", 0.5), ("p99_ms", 0.99))}
