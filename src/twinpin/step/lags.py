"""Lags: columns that each stand for one value of a window, by their names."""

import re
from collections.abc import Sequence

from twinpin.step.step import TensorSpec

#: temp_lag_00 is the newest value of the window temp, temp_lag_01 the one before it.
LAG = re.compile(r"(?P<feature>.+)_lag_(?P<lag>\d+)")


def look_back(inputs: Sequence[TensorSpec]) -> dict[str, int]:
    """Return how many newest values of each window *inputs* take, by lags or as a tensor; 0: as many as come."""
    needs: dict[str, int] = {}
    for spec in inputs:
        if len(spec.shape) > 1 and spec.shape[1] != 1:
            needs[spec.name] = max(0, spec.shape[1])
        elif found := LAG.fullmatch(spec.name):
            needs[found["feature"]] = max(needs.get(found["feature"], 0), int(found["lag"]) + 1)
    return needs
