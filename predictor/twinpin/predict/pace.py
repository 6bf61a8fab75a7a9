"""Pace: which rows are walked and which are brief, timed at start, since it depends on the trees and the machine."""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Predict = Callable[[np.ndarray], np.ndarray]

#: Numbers of rows that are timed.
ROWS = (1, 2, 4, 8, 12, 16, 24, 32)
#: Each is timed so often; the least time counts, since others run on the machine too.
TIMES = 3
#: Seconds that work on the event loop may take.
BRIEF = 0.001


class Pace(NamedTuple):
    """Up to how many rows the walk is faster than the booster, and up to how many the faster of both is brief."""

    walked: int
    brief: int


def pace_of(walk: Predict | None, boost: Predict, width: int) -> Pace:
    """Time both on rows of *width* columns; they give the same, so a wrong verdict costs time alone."""
    walked = brief = 0
    for rows in ROWS:
        matrix = np.zeros((rows, width), dtype=np.float32)
        took = _seconds(boost, matrix)
        walking = _seconds(walk, matrix) if walk is not None else took
        if walking < took:
            walked, took = rows, walking
        else:
            walk = None  # a walk's cost grows with each row, the booster's hardly
        if took < BRIEF:
            brief = rows
        elif walk is None:
            break
    return Pace(walked, brief)


def _seconds(predict: Predict, matrix: np.ndarray) -> float:
    """Return the least of some times."""
    least = float("inf")
    for _ in range(TIMES):
        begun = time.perf_counter()
        predict(matrix)
        least = min(least, time.perf_counter() - begun)
    return least
