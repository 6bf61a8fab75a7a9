"""Walk: a forest of small trees walked by numpy, all trees at once, for a few rows.

A booster visits 2,400 trees one by one, which costs most of a millisecond for a single row. Padded to one depth, the
trees are walked level by level in a tenth of it. The sum runs in the booster's own order, so the result is the same to
the last bit, which `find_walk` proves before it hands a walk out.
"""

import json
import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost

from twinpin.predict.ubjson import read_ubjson

log = logging.getLogger(__name__)

#: Rows up to which the walk beats the booster: its cost grows with each row, the booster's hardly.
ROWS = 8
#: Deeper trees would take too much memory when they are padded.
DEPTH = 10
#: Leaves of all padded trees together: they and their nodes take 17 MiB.
LEAVES = 2**20
#: Bytes of a model beyond which reading it would hold up the start.
BYTES = 2**27

#: Objectives whose prediction is the sum itself.
PLAIN = frozenset({"reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:quantileerror"})


class NoWalk(Exception):
    """This forest cannot be walked; the message says why."""


class Walk:
    """Predicts `[n, width]` FP32, n small, as the booster does; NaN is a missing value."""

    def __init__(self, trees: list[Any], groups: int, base: np.ndarray) -> None:
        self._groups = groups
        self._base = base.astype(np.float32)
        forest = _Forest(trees)
        levels = forest.levels()
        self._depth = len(levels) - 1
        if len(trees) << self._depth > LEAVES:
            raise NoWalk(f"{len(trees)} trees of depth {self._depth} are too large")
        inner = (1 << self._depth) - 1
        self._features = np.zeros((len(trees), inner), dtype=np.intp)
        self._limits = np.full((len(trees), inner), np.inf, dtype=np.float32)
        self._strays = np.zeros((len(trees), inner), dtype=np.bool_)
        self._leaves = np.zeros((len(trees), inner + 1), dtype=np.float32)
        for number, level in enumerate(levels):
            self._fill(forest, level, number)
        self._inner = np.arange(len(trees)) * inner
        self._outer = np.arange(len(trees)) * (inner + 1) - inner
        self._shape = (len(trees) // groups, groups)

    def __call__(self, matrix: np.ndarray) -> np.ndarray:
        """Walk every row through every tree, then add up each group's leaves in the order of its trees."""
        return np.stack([self._row(row) for row in matrix])

    def _row(self, row: np.ndarray) -> np.ndarray:
        """Walk one row: to the left child, or one further where the value is not below the limit.

        A missing value goes where its node sends it: `strays` marks the nodes that send it right.
        """
        features, limits = self._features.reshape(-1), self._limits.reshape(-1)
        gaps = np.isnan(row)
        strays = self._strays.reshape(-1) if gaps.any() else None
        places = np.zeros(len(self._inner), dtype=np.intp)
        for _ in range(self._depth):
            nodes = places + self._inner
            asked = features.take(nodes)
            right = row.take(asked) >= limits.take(nodes)
            if strays is not None:
                right |= gaps.take(asked) & strays.take(nodes)
            places += places
            places += 1
            places += right
        summands = np.empty((self._shape[0] + 1, self._shape[1]), dtype=np.float32)
        summands[0] = self._base  # the booster starts from it
        summands[1:] = self._leaves.reshape(-1).take(places + self._outer).reshape(self._shape)
        return np.add.accumulate(summands, axis=0)[-1]  # type: ignore[no-any-return] # in order; a sum may pair up

    def _fill(self, forest: "_Forest", level: "_Level", number: int) -> None:
        """Put one level of all trees in its slots: a leaf above the last one is reached by going left from there on."""
        splits, ends = level.chosen(forest.lefts[level.nodes] >= 0), level.chosen(forest.lefts[level.nodes] < 0)
        self._features[splits.trees, splits.slots] = forest.features[splits.nodes]
        self._limits[splits.trees, splits.slots] = forest.values[splits.nodes]
        self._strays[splits.trees, splits.slots] = forest.strays[splits.nodes]
        first = (1 << number) - 1
        self._leaves[ends.trees, (ends.slots - first) << (self._depth - number)] = forest.values[ends.nodes]


@dataclass(frozen=True, slots=True)
class _Level:
    """The nodes of all trees that are as deep: of which tree each is, where it is listed, and its slot when padded."""

    trees: np.ndarray
    nodes: np.ndarray
    slots: np.ndarray

    def chosen(self, some: np.ndarray) -> "_Level":
        """Take some of them."""
        return _Level(self.trees[some], self.nodes[some], self.slots[some])


class _Forest:
    """The nodes of all trees in one list, children by their place in it."""

    def __init__(self, trees: list[Any]) -> None:
        sizes = np.array([len(tree["left_children"]) for tree in trees])
        self._roots = np.concatenate(([0], np.cumsum(sizes)[:-1]))
        starts = np.repeat(self._roots, sizes)
        self.lefts = _children(_joined(trees, "left_children", np.intp), starts)
        self.rights = _children(_joined(trees, "right_children", np.intp), starts)
        self.features = _joined(trees, "split_indices", np.intp)
        #: Limits of splits, and what leaves add.
        self.values = _joined(trees, "split_conditions", np.float32)
        self.strays = _joined(trees, "default_left", np.uint8) == 0

    def levels(self) -> list[_Level]:
        """Visit all trees level by level, from their roots."""
        level = _Level(np.arange(len(self._roots)), self._roots, np.zeros(len(self._roots), dtype=np.intp))
        found = [level]
        while True:
            level = level.chosen(self.lefts[level.nodes] >= 0)
            if not len(level.nodes):
                return found
            if len(found) > DEPTH:
                raise NoWalk(f"trees deeper than {DEPTH} are too large")
            level = _Level(
                np.tile(level.trees, 2),
                np.concatenate((self.lefts[level.nodes], self.rights[level.nodes])),
                np.concatenate((2 * level.slots + 1, 2 * level.slots + 2)),
            )
            found.append(level)


def _joined(trees: list[Any], name: str, dtype: Any) -> np.ndarray:
    """Join a list that each tree has."""
    return np.concatenate([tree[name] for tree in trees]).astype(dtype)


def _children(places: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Count children from the first tree's root on; below 0: there is none."""
    return np.where(places < 0, places, places + starts)


def find_walk(booster: xgboost.Booster, rounds: int) -> Walk | None:
    """Make a walk of the first *rounds* (0: all) and prove it bit-equal to the booster; None where it is not."""
    try:
        walk = _walk(_learner(booster), rounds)
        _prove(walk, booster, rounds)
    except NoWalk as reason:
        log.info("no walk, every request takes the booster: %s", reason)
        return None
    return walk


def _learner(booster: xgboost.Booster) -> Any:
    """Read the model as XGBoost writes it, unless it is very large."""
    raw = booster.save_raw("ubj")
    if len(raw) > BYTES:
        raise NoWalk(f"it is {len(raw) >> 20} MiB large")
    try:
        return read_ubjson(raw)["learner"]
    except ValueError as error:
        raise NoWalk(f"it cannot be read: {error}") from error


def _walk(learner: Any, rounds: int) -> Walk:
    """Take the trees out of a model."""
    model = learner["gradient_booster"].get("model", {})
    if learner["gradient_booster"]["name"] != "gbtree" or learner["objective"]["name"] not in PLAIN:
        raise NoWalk(f"{learner['gradient_booster']['name']} with {learner['objective']['name']} is not a plain sum")
    trees = model["trees"][: model["iteration_indptr"][rounds] if rounds else None]
    groups = max(1, int(learner["learner_model_param"]["num_target"]))
    if not trees or list(model["tree_info"][: len(trees)]) != [place % groups for place in range(len(trees))]:
        raise NoWalk("its outputs do not take turns, tree by tree")
    if any(int(tree["tree_param"]["size_leaf_vector"]) > 1 or np.any(tree["split_type"]) for tree in trees):
        raise NoWalk("it has leaves of several values, or splits by category")
    return Walk(trees, groups, np.array(json.loads(learner["learner_model_param"]["base_score"])))


def _prove(walk: Walk, booster: xgboost.Booster, rounds: int) -> None:
    """Compare on rows of many magnitudes, of the trees' own limits, where a tie is decided, and of gaps."""
    draw = np.random.default_rng(11)
    width = booster.num_features()
    limits = walk._limits[np.isfinite(walk._limits)]  # noqa: SLF001 -- one module, one matter
    drawn = draw.normal(size=(24, width)) * draw.choice([1e-3, 1.0, 30.0, 1e4], size=(24, 1))
    ties = draw.choice(limits if len(limits) else np.zeros(1), size=(24, width))
    gaps = np.where(draw.random((24, width)) < 0.5, np.nan, drawn)  # noqa: PLR2004 -- half of them
    rows = np.concatenate([np.zeros((1, width)), drawn, ties, gaps, ties * np.nan]).astype(np.float32)
    expected = booster.inplace_predict(rows, iteration_range=(0, rounds), validate_features=False)
    if not np.array_equal(walk(rows), expected.reshape(len(rows), -1)):
        raise NoWalk("its sums differ from the booster's")
