"""Forest: the trees of a model whose forecast is a plain sum of their leaves, as arrays of all nodes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from twinpin.predict.sdk import xgboost
from twinpin.predict.ubjson import read_ubjson

#: Bytes of a model beyond which reading it would hold up the start.
BYTES = 2**27

#: Objectives whose prediction is the sum itself.
PLAIN = frozenset({"reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:quantileerror"})


class NoWalk(Exception):
    """This forest cannot be walked; the message says why."""


@dataclass(frozen=True, slots=True)
class Forest:
    """All nodes of all trees, tree by tree; a leaf is its own left child."""

    #: Node -> its children, as places among all nodes.
    left: np.ndarray
    right: np.ndarray
    leaf: np.ndarray
    #: Node -> the column that it asks for; 0 for a leaf.
    feature: np.ndarray
    #: Node -> the value below which a row goes left; for a leaf, its own value. FP32.
    value: np.ndarray
    #: Node -> whether a missing value goes right.
    stray: np.ndarray
    roots: np.ndarray
    #: Trees take turns for so many outputs.
    groups: int
    #: What each output's sum begins with.
    base: np.ndarray


def read_forest(booster: xgboost.Booster, rounds: int) -> Forest:
    """Read the first *rounds* (0: all) of a booster; raises NoWalk."""
    raw = booster.save_raw("ubj")
    if len(raw) > BYTES:
        raise NoWalk(f"it is {len(raw) >> 20} MiB large")
    try:
        learner = read_ubjson(raw)["learner"]
    except ValueError as error:
        raise NoWalk(f"it cannot be read: {error}") from error
    base = np.array(orjson.loads(learner["learner_model_param"]["base_score"]), dtype=np.float32)
    groups = max(1, int(learner["learner_model_param"]["num_target"]))
    return _forest(_trees(learner, groups, rounds), groups, base)


def _trees(learner: Any, groups: int, rounds: int) -> list[Any]:
    """Take the trees out of a model's JSON."""
    model = learner["gradient_booster"].get("model", {})
    if learner["gradient_booster"]["name"] != "gbtree" or learner["objective"]["name"] not in PLAIN:
        raise NoWalk(f"{learner['gradient_booster']['name']} with {learner['objective']['name']} is not a plain sum")
    trees: list[Any] = model["trees"][: model["iteration_indptr"][rounds] if rounds else None]
    if not trees or list(model["tree_info"][: len(trees)]) != [place % groups for place in range(len(trees))]:
        raise NoWalk("its outputs do not take turns, tree by tree")
    if any(int(tree["tree_param"]["size_leaf_vector"]) > 1 or np.any(tree["split_type"]) for tree in trees):
        raise NoWalk("it has leaves of several values, or splits by category")
    return trees


def _forest(trees: list[Any], groups: int, base: np.ndarray) -> Forest:
    """Lay the trees' nodes one after the other."""
    sizes = np.array([len(tree["left_children"]) for tree in trees])
    roots = np.cumsum(sizes) - sizes
    own, shift = np.arange(sizes.sum()), np.repeat(roots, sizes)

    def of_all(key: str, kind: type) -> np.ndarray:
        return np.concatenate([tree[key] for tree in trees]).astype(kind)

    left = of_all("left_children", np.intp)
    leaf = left < 0
    return Forest(
        left=np.where(leaf, own, left + shift),
        right=np.where(leaf, own, of_all("right_children", np.intp) + shift),
        leaf=leaf,
        feature=np.where(leaf, 0, of_all("split_indices", np.intp)),
        value=of_all("split_conditions", np.float32),
        stray=~leaf & (of_all("default_left", np.int64) == 0),
        roots=roots,
        groups=groups,
        base=base,
    )
