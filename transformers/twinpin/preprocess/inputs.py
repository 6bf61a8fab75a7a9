"""Inputs: what the preprocessor is given, before it imputes anything, summed up for the metrics."""

import numpy as np

from twinpin.preprocess.arrays import Layout
from twinpin.preprocess.columns import ColumnLayout
from twinpin.preprocess.table import Given, Table
from twinpin.step.observed import FORECAST, OBSERVATIONS, Observed

_MATRIX = 2  # axes: rows and columns


class Inputs:
    """Looks at the first numeric columns that a preprocessor declares, at most *most* of them."""

    def __init__(self, pair: str, names: tuple[str, ...], most: int, interval: float) -> None:
        shown = [(place, name) for place, name in enumerate(names) if name != FORECAST][:most]
        self._names = names
        self._places = [place for place, _ in shown]
        self._observed = Observed(pair, [name for _, name in shown], interval=interval)
        OBSERVATIONS.add(self._observed)

    @property
    def due(self) -> bool:
        """Whether it is time to look at a request again."""
        return self._observed.due

    def look(self, given: Given) -> None:
        """Look at one request; a column that it left out is missing in all its rows."""
        if isinstance(given, Table):
            matrix = given.matrix[:, self._places]
            absent = [self._names[place] in given.absent for place in self._places]
            matrix[:, absent] = np.nan
            self._observed.look(matrix)
        elif isinstance(given, np.ndarray):
            self._observed.look(given[:, self._places])

    def close(self) -> None:
        """Show nothing any more."""
        OBSERVATIONS.remove(self._observed)


def declared(layout: Layout) -> tuple[str, ...]:
    """Name the numeric columns that a signature declares: by name, or by number where it is one matrix."""
    if isinstance(layout, ColumnLayout):
        return layout.numeric
    if len(layout.metadata) == 1 and layout.metadata[0].datatype != "BYTES":
        (spec,) = layout.metadata
        if len(spec.shape) == _MATRIX and spec.shape[1] > 0:
            return tuple(map(str, range(spec.shape[1])))
    return ()
