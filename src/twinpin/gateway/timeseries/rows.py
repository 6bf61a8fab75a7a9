"""Rows: what the preprocessor takes, one row for each series; the series stands in the window that the model forecasts.

What the series does not give comes from its `covariates`, or else from the feature store, for the entity that the
series is named for and up to the time of its newest value.
"""

from collections.abc import Collection, Sequence

import numpy as np

from twinpin.gateway.timeseries.request import Series
from twinpin.step.errors import Impossible, Malformed
from twinpin.step.jsondata import from_column
from twinpin.step.lags import LAG, look_back
from twinpin.step.plain import name_of
from twinpin.step.step import Tensors, TensorSpec

_WINDOW = 2  # axes: rows and values


class Place:
    """The window that the series go into, and what else the preprocessor takes."""

    def __init__(self, inputs: Sequence[TensorSpec], given: Collection[str], preferred: str | None) -> None:
        self._windows = look_back(inputs)
        self._inputs = inputs
        self.window = self._choose(given, preferred)

    @property
    def need(self) -> int:
        """How many newest values the model looks back on; 0: as many as come."""
        return self._windows[self.window]

    def holds(self, name: str) -> bool:
        """Whether a column is the window, or a lag of it."""
        found = LAG.fullmatch(name)
        return name == self.window or (found is not None and found["feature"] == self.window)

    @property
    def alone(self) -> bool:
        """Whether the preprocessor takes nothing else."""
        return all(self.holds(spec.name) for spec in self._inputs)

    def _choose(self, given: Collection[str], preferred: str | None) -> str:
        """Find the one window that nothing else of the request gives, or the configured one."""
        named = {found["feature"] if (found := LAG.fullmatch(name)) else name for name in given}
        free = [name for name in self._windows if name not in named]
        if preferred in free:
            return str(preferred)
        if len(free) == 1:
            return free[0]
        if free:
            raise Impossible(
                f"The model looks back on {', '.join(free)}: name all but the series itself in its covariates, or let "
                "the setting page_series say which of them a series is."
            )
        if self._windows:
            raise Malformed(
                f"covariates hold {', '.join(self._windows)}, of which the series is one: leave it out there."
            )
        raise Impossible("The preprocessor declares no window that a series could go into: send columns to /predict.")


def covariates(series: Sequence[Series]) -> tuple[str, ...] | None:
    """Name the columns that every series brings along; None where none does. Raises Malformed where they differ."""
    first = series[0].covariates
    for at, each in enumerate(series):
        if (each.covariates is None) != (first is None) or (each.covariates or {}).keys() != (first or {}).keys():
            raise Malformed(f"inputs[{at}].covariates and those of inputs[0] have other names: send two requests.")
    return None if first is None else tuple(first)


def from_request(series: Sequence[Series], place: Place) -> Tensors:
    """Make the rows of series that bring everything along."""
    names = covariates(series) or ()
    brought = [each.covariates or {} for each in series]
    columns = {name_of(name, "a covariate"): [each[name] for each in brought] for name in names}
    return {place.window: windows(series, place)} | {name: from_column(name, each) for name, each in columns.items()}


def from_store(series: Sequence[Series], stored: Sequence[tuple[Sequence[int], Tensors]], place: Place) -> Tensors:
    """Put the series into rows of the store, which come in groups: the places of their series, and their columns."""
    order = np.argsort(np.concatenate([places for places, _ in stored]))
    columns = {name: _joined([tensors[name] for _, tensors in stored])[order] for name in stored[0][1]}
    empty = [at for at, each in enumerate(series) if not len(each.values)]
    if len(empty) == len(series):
        return columns
    if empty:
        raise Malformed(f"inputs[{empty[0]}].series is empty and others are not: send two requests.")
    others = {name: values for name, values in columns.items() if not place.holds(name)}
    return {place.window: windows(series, place)} | others


def windows(series: Sequence[Series], place: Place) -> np.ndarray:
    """Stack the newest values of each series, FP64 `[series, values]`."""
    shortest = place.need or len(series[0].values)
    for at, each in enumerate(series):
        if len(each.values) < max(shortest, 1):
            raise Impossible(
                f"inputs[{at}].series holds {len(each.values)} values and the model looks back on "
                f"{max(shortest, 1)}: send at least as many."
            )
        if not place.need and len(each.values) != shortest:
            raise Malformed(f"inputs[{at}].series and inputs[0].series differ in length: send two requests.")
    return np.stack([each.values[-shortest:] for each in series])


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Put the rows of several reads together; windows are cut to the shortest, since a tensor has one length."""
    if parts[0].ndim == _WINDOW:
        shortest = min(part.shape[1] for part in parts)
        parts = [part[:, part.shape[1] - shortest :] for part in parts]
    return np.concatenate(parts)
