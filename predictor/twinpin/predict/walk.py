"""Walk: a forest of small trees walked by numpy, all trees at once, for a few rows.

A booster visits 2,400 trees one by one, which costs most of a millisecond for a single row. Padded to one depth, the
trees are walked level by level in a tenth of it. The sum runs in the booster's own order, so the result is the same to
the last bit, which `find_walk` proves before it hands a walk out.
"""

import logging
from typing import NamedTuple

import numpy as np

from twinpin.predict.forest import Forest, NoWalk, read_forest
from twinpin.predict.sdk import xgboost

log = logging.getLogger(__name__)

#: Deeper trees would take too much memory when they are padded.
DEPTH = 10
#: Leaves of all padded trees together: they and their nodes take 18 MiB.
LEAVES = 2**20

_INFINITE = np.float32(np.inf)


class Level(NamedTuple):
    """The nodes of one level of all trees, tree by tree."""

    #: The places in a row that the nodes ask for; a row has each value twice, see `Walk._places`.
    asked: np.ndarray
    limits: np.ndarray

    def at(self, places: np.ndarray) -> "Level":
        """The nodes at these places."""
        return Level(self.asked.take(places), self.limits.take(places))


class Walk:
    """Predicts `[n, width]` FP32, n small, as the booster does; NaN is a missing value."""

    def __init__(self, forest: Forest) -> None:
        self._groups = forest.groups
        self._levels: list[Level] = []
        self._trees = np.arange(len(forest.roots))
        nodes = forest.roots
        while not self._levels or not forest.leaf[nodes].all():
            if len(self._levels) == DEPTH or 2 * len(nodes) > LEAVES:
                raise NoWalk(f"{len(forest.roots)} trees are too deep, or too many")
            self._levels.append(_level(forest, nodes))
            nodes = np.stack([forest.left[nodes], forest.right[nodes]], axis=1).ravel()
        leaves = forest.value[nodes].reshape(len(forest.roots), -1)
        leaves[: self._groups] += forest.base.reshape(-1, 1)  # the booster starts from it
        self._leaves = leaves.ravel()

    @property
    def limits(self) -> np.ndarray:
        """The values that the trees split at: where a tie is decided."""
        limits = np.concatenate([np.zeros(0, np.float32), *(level.limits for level in self._levels)])
        return np.unique(limits[np.isfinite(limits)])

    def __call__(self, matrix: np.ndarray) -> np.ndarray:
        """Walk every row through every tree, then add up each group's leaves in the order of its trees."""
        rounds = self._leaves.take(self._places(matrix)).reshape(len(matrix), -1, self._groups)
        if self._groups == 1:
            return np.add.accumulate(rounds, axis=1)[:, -1]  # type: ignore[no-any-return] # a sum would pair up
        return np.add.reduce(rounds, axis=1)  # type: ignore[no-any-return] # in order, since groups lie side by side

    def _places(self, matrix: np.ndarray) -> np.ndarray:
        """Find the leaf of each row in each tree: at every node left, or one further where the value says so.

        NaN, a missing value, goes left. Nodes that send it right ask for the value's twin, which is then infinite.
        """
        values = np.stack([matrix, np.fmin(matrix, _INFINITE)], axis=2)
        rows = None if len(matrix) == 1 else (np.arange(len(matrix)) * 2 * matrix.shape[1])[:, np.newaxis]
        places = self._trees
        for level in self._levels:
            nodes = level if places is self._trees else level.at(places)
            asked = nodes.asked if rows is None else nodes.asked + rows
            places = places + places + (values.take(asked) >= nodes.limits)
        return places


def find_walk(booster: xgboost.Booster, rounds: int) -> Walk | None:
    """Make a walk of the first *rounds* (0: all) and prove it bit-equal to the booster; None where it is not."""
    try:
        walk = Walk(read_forest(booster, rounds))
        _prove(walk, booster, rounds)
    except NoWalk as reason:
        log.info("no walk, every request takes the booster: %s", reason)
        return None
    return walk


def _level(forest: Forest, nodes: np.ndarray) -> Level:
    """Lay out one level: a leaf above the last one is passed on to itself, by going left."""
    leaf = forest.leaf[nodes]
    return Level(2 * forest.feature[nodes] + forest.stray[nodes], np.where(leaf, _INFINITE, forest.value[nodes]))


def _prove(walk: Walk, booster: xgboost.Booster, rounds: int) -> None:
    """Compare on rows of many magnitudes, of the trees' own limits, where a tie is decided, and of gaps."""
    draw = np.random.default_rng(11)
    width = booster.num_features()
    limits = walk.limits
    drawn = draw.normal(size=(24, width)) * draw.choice([1e-3, 1.0, 30.0, 1e4], size=(24, 1))
    ties = draw.choice(limits if len(limits) else np.zeros(1), size=(24, width))
    gaps = np.where(draw.random((24, width)) < 0.5, np.nan, drawn)  # noqa: PLR2004 -- half of them
    rows = np.concatenate([np.zeros((1, width)), drawn, ties, gaps, ties * np.nan]).astype(np.float32)
    expected = booster.inplace_predict(rows, iteration_range=(0, rounds), validate_features=False)
    walked = [walk(rows[:1]), walk(rows[1:4]), walk(rows[4:])]  # one row and several are the same
    if not np.array_equal(np.concatenate(walked), expected.reshape(len(rows), -1)):
        raise NoWalk("its sums differ from the booster's")
