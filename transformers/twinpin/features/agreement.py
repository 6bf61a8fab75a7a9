"""Agreement: whether rows read in our own way are Feast's, shown on the rows that are asked for first."""

from collections.abc import Iterable

import numpy as np

from twinpin.features.rows import Rows
from twinpin.features.values import Feature, Value

#: Rows after which a feature that never had a value need not be waited for.
ENOUGH = 100
#: Microseconds by which times may differ: Feast's pass through a float of seconds.
ROUNDING = 1


class Agreement:
    """Counts rows that were the same, until each feature was seen with a value, or enough rows were."""

    def __init__(self, features: Iterable[Feature]) -> None:
        features = list(features)
        self._unseen = {feature.name for feature in features}
        self._gappy = {feature.name for feature in features if feature.has_nan}
        self._rows = 0

    @property
    def reached(self) -> bool:
        """Whether enough was compared."""
        return not self._unseen or self._rows >= ENOUGH

    def holds(self, ours: Rows, theirs: Rows) -> bool:
        """Compare two reads of the same entities; rows that were written between the two are no difference."""
        same = ours.times.keys() == theirs.times.keys() and all(
            abs(mine - other) <= ROUNDING
            for view in ours.times
            for mine, other in zip(ours.times[view], theirs.times[view], strict=True)
        )
        if not same:
            return False
        for name in theirs.values:
            pairs = list(zip(ours.values[name], theirs.values[name], strict=True))
            if not all(_equal(*pair, gaps=name in self._gappy) for pair in pairs):
                return False
            if any(value is not None for _, value in pairs):
                self._unseen.discard(name)
        self._rows += sum(map(any, zip(*theirs.times.values(), strict=True)))
        return True


def _equal(mine: Value, theirs: Value, *, gaps: bool) -> bool:
    """Compare two values, NaN to NaN, and where *gaps* are NaN in a tensor, to a null."""
    if gaps:
        mine, theirs = (np.nan if each is None else each for each in (mine, theirs))
    if mine is None or theirs is None:
        return mine is theirs
    if isinstance(mine, str) or isinstance(theirs, str):
        return bool(mine == theirs)
    both = np.asarray(mine), np.asarray(theirs)
    return bool(np.array_equal(*both, equal_nan=both[0].dtype.kind == "f"))
