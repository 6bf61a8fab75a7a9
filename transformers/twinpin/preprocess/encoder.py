"""Encoder: a fitted OneHotEncoder of numbers as NumPy."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from twinpin.step.errors import Impossible

#: Categories that an error lists.
SHOWN = 30


class Unsupported(Exception):
    """There is no plan for this preprocessor; the message says what stands in the way."""


class Encode:
    """One-hot encoding of numeric categories."""

    def __init__(self, encoder: Any) -> None:
        if encoder.min_frequency is not None or encoder.max_categories is not None:
            raise Unsupported("an encoder that merges infrequent categories")
        kinds = {np.asarray(each).dtype.kind for each in encoder.categories_}
        if not kinds <= set("iuf"):
            raise Unsupported("an encoder of text")
        if encoder.handle_unknown not in {"error", "ignore"}:
            raise Unsupported(f"an encoder with handle_unknown={encoder.handle_unknown!r}")
        self.categories = [np.asarray(each, dtype=float) for each in encoder.categories_]
        self._strict = encoder.handle_unknown == "error"
        self._columns = np.repeat(np.arange(len(self.categories)), [len(each) for each in self.categories])
        self._values = np.concatenate(self.categories)
        self._gaps = np.isnan(self._values)
        self._kept = _kept(self.categories, encoder.drop_idx_)
        self._starts = np.cumsum([0, *(len(each) for each in self.categories)])[:-1]

    def __call__(self, matrix: np.ndarray) -> np.ndarray:
        """Compare each value with the categories of its column."""
        spread = matrix[:, self._columns]
        hot = spread == self._values
        if self._gaps.any():
            hot |= np.isnan(spread) & self._gaps
        if self._strict:
            known = np.logical_or.reduceat(hot, self._starts, axis=1)
            if not known.all():
                raise self._unknown(matrix, *np.argwhere(~known)[0])
        return (hot if self._kept is None else hot[:, self._kept]).astype(float)

    def _unknown(self, matrix: np.ndarray, row: int, column: int) -> Impossible:
        """Say which value is no category, and what would be one."""
        value, known = matrix[row, column], self.categories[column]
        shown = ", ".join(f"{each:g}" for each in known[:SHOWN]) + (" …" if len(known) > SHOWN else "")
        return Impossible(
            f"Row {row} holds {'no value' if np.isnan(value) else f'{value:g}'} for a category whose values, as the "
            f"preprocessor was trained on, are {shown}: send one of them."
        )


def _kept(categories: Sequence[np.ndarray], dropped: Any) -> np.ndarray | None:
    """Which of the encoded columns stay, where the encoder drops some."""
    if dropped is None:
        return None
    kept = [np.arange(len(each)) != drop for each, drop in zip(categories, dropped, strict=True)]
    return np.concatenate(kept)
