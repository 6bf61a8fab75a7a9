"""Where a request's time goes: the steps' own histograms, read before and after a load."""

import re

import httpx

#: Sample line of the histogram that every step keeps of its own work, in seconds.
_LINE = re.compile(r'^twinpin_step_duration_seconds_(sum|count)\{step="(\w+)"\} (\S+)$', re.MULTILINE)

STEPS = ("features", "preprocess", "predict")

Totals = dict[str, tuple[float, float]]


def totals(urls: list[str]) -> Totals:
    """Read seconds and calls of each step from /metrics of the servers that run them."""
    seconds, calls = dict.fromkeys(STEPS, 0.0), dict.fromkeys(STEPS, 0.0)
    for url in urls:
        for kind, step, value in _LINE.findall(httpx.get(f"{url}/metrics").text):
            if step in seconds:
                (seconds if kind == "sum" else calls)[step] += float(value)
    return {step: (seconds[step], calls[step]) for step in STEPS}


def means(before: Totals, after: Totals) -> dict[str, float]:
    """Return the mean time of each step's work between two readings, in ms; 0 where it had none."""
    spent = {step: (after[step][0] - before[step][0], after[step][1] - before[step][1]) for step in STEPS}
    return {f"{step}_ms": 1e3 * seconds / calls if calls else 0.0 for step, (seconds, calls) in spent.items()}
