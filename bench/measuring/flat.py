"""Flat: the trees as one array per level, walked by NumPy a level at a time; for complete rows alone."""

import json

import numpy as np
import xgboost


class Flat:
    """Predicts few complete rows: nothing is proven, and a missing value would go the wrong way."""

    def __init__(self, booster: xgboost.Booster) -> None:
        learner = json.loads(booster.save_raw("json"))["learner"]
        trees = learner["gradient_booster"]["model"]["trees"]
        base = np.array(json.loads(learner["learner_model_param"]["base_score"]), dtype=np.float32)
        left, right, features = (_table(trees, name) for name in ("left_children", "right_children", "split_indices"))
        limits = _table(trees, "split_conditions").astype(np.float32)  # of a leaf: its value
        nodes, self._levels = np.zeros((len(trees), 1), dtype=np.intp), []
        while (inner := _at(left, nodes) >= 0).any():
            bounds = np.where(inner, _at(limits, nodes), np.float32(np.inf))  # a leaf is its own left child
            self._levels.append((_at(features, nodes).ravel(), bounds.ravel()))
            below = [np.where(inner, _at(child, nodes), nodes) for child in (left, right)]
            nodes = np.stack(below, axis=-1).reshape(len(trees), -1)
        leaves = _at(limits, nodes)
        leaves[: len(base)] += base[:, None]  # the first round holds it, so that sums round as the booster's do
        self._leaves, self._outputs = leaves.ravel(), len(base)
        self._roots = np.arange(len(trees))

    def __call__(self, matrix: np.ndarray) -> np.ndarray:
        """Predict `[n, width]` FP32."""
        return np.stack([self._row(values) for values in matrix])

    def _row(self, values: np.ndarray) -> np.ndarray:
        """Go down all trees at once: below place p lie the places 2p and 2p + 1."""
        places = self._roots
        for features, bounds in self._levels:
            places = 2 * places + (values.take(features.take(places)) >= bounds.take(places))
        return self._leaves.take(places).reshape(-1, self._outputs).sum(axis=0)


def _table(trees: list[dict], name: str) -> np.ndarray:
    """Return one field of all trees as `[trees, nodes]`; what pads it is never reached."""
    table = np.zeros((len(trees), max(len(tree[name]) for tree in trees)), dtype=type(trees[0][name][0]))
    for place, tree in enumerate(trees):
        table[place, : len(tree[name])] = tree[name]
    return table


def _at(table: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    return np.take_along_axis(table, nodes, axis=1)
