"""Proof that a plan gives what the preprocessor itself gives, on its own example and on drawn rows with gaps.

Equal means: the same dtype and shape, NaN in the same places, values within 1e-12 of each other relative to their size,
and a refusal of the same rows. What is not proven is not used.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from twinpin.preprocess.encoder import Unsupported
from twinpin.preprocess.plan import Plan
from twinpin.step.errors import Impossible

#: From a matrix of the input columns to the matrix of the output.
Run = Callable[[np.ndarray], np.ndarray]

TOLERANCE = 1e-12
ROWS = 200
#: Rows that are tried one by one where the preprocessor refuses all of them together.
SINGLE = 40

#: Magnitudes that data comes in: shares, degrees, pressures in pascal, counters.
SCALES = (1e-6, 1e-2, 1.0, 30.0, 1e3, 1e5, 1e9)


def prove(plan: Plan, whole: Sequence[bool], run: Run, example: np.ndarray | None) -> None:
    """Compare *plan* with *run*; Unsupported says where they differ. *whole* marks the columns of whole numbers."""
    answered = False
    with np.errstate(all="ignore"):  # rows are drawn to overflow too
        for rows in _samples(plan, np.asarray(whole), example):
            answered |= _compare(plan, run, rows)
    if not answered:
        raise Unsupported("the preprocessor refuses every row that was drawn, so nothing was compared")


def _samples(plan: Plan, whole: np.ndarray, example: np.ndarray | None) -> Iterator[np.ndarray]:
    """Rows without gaps, with some, and with all; of many magnitudes; encoders' own categories and others."""
    draw = np.random.default_rng(20)
    if example is not None and len(example):
        yield example
        yield _gapped(np.repeat(example, 20, axis=0), whole, 0.2, draw)
    for share in (0.0, 0.2, 1.0):
        yield _gapped(_drawn(plan, len(whole), draw), whole, share, draw)
    yield np.zeros((1, len(whole)))


def _drawn(plan: Plan, width: int, draw: np.random.Generator) -> np.ndarray:
    """Draw rows: each row of one magnitude, half of the values whole, a third from the encoders' categories."""
    rows = draw.normal(size=(ROWS, width)) * draw.choice(SCALES, size=(ROWS, 1))
    rows = np.where(draw.random(rows.shape) < 0.5, np.round(rows), rows)  # noqa: PLR2004 -- half of them
    known = [each for encoder in plan.encoders for each in encoder.categories]
    if known:
        categories = np.concatenate(known)
        rows = np.where(draw.random(rows.shape) < 1 / 3, draw.choice(categories, size=rows.shape), rows)
        rows[: ROWS // 2] = draw.choice(categories, size=(ROWS // 2, width))
    return rows


def _gapped(rows: np.ndarray, whole: np.ndarray, share: float, draw: np.random.Generator) -> np.ndarray:
    """Make a share of the values missing; whole numbers have no missing value, and stay whole."""
    rows = np.where(draw.random(rows.shape) < share, np.nan, rows)
    return np.where(whole, np.round(np.nan_to_num(rows)).clip(-(2**31), 2**31 - 1), rows)


def _compare(plan: Plan, run: Run, rows: np.ndarray) -> bool:
    """Compare all rows together, or one by one where the preprocessor refuses some of them."""
    expected = _tried(run, rows)
    if expected is not None:
        _check(expected, _tried(plan, rows))
        return True
    answered = False
    for row in rows[:: max(1, len(rows) // SINGLE)]:
        expected = _tried(run, row[np.newaxis])
        _check(expected, _tried(plan, row[np.newaxis]))
        answered |= expected is not None
    return answered


def _tried(run: Run, rows: np.ndarray) -> np.ndarray | None:
    """Run it; None where it refuses the rows."""
    try:
        return run(rows.copy())
    except Impossible:
        return None
    except Exception as error:  # a drawn row may be one that code of somebody's own never met
        raise Unsupported(f"{type(error).__name__} on a drawn row: {error}") from error


def _check(expected: np.ndarray | None, given: np.ndarray | None) -> None:
    """Refuse any difference."""
    if expected is None or given is None:
        if expected is not given:
            raise Unsupported("it refuses other rows than the preprocessor does")
        return
    if (expected.shape, expected.dtype) != (given.shape, given.dtype):
        raise Unsupported(f"it gives {given.shape} {given.dtype}, the preprocessor {expected.shape} {expected.dtype}")
    if not np.array_equal(np.isnan(expected), np.isnan(given)):
        raise Unsupported("it leaves other values missing than the preprocessor does")
    finite = np.isfinite(expected)
    if not np.array_equal(expected[~finite], given[~finite], equal_nan=True):
        raise Unsupported("it gives other infinities than the preprocessor does")
    wide = np.abs(expected - given, where=finite, out=np.zeros(expected.shape))
    if (wide > TOLERANCE * np.maximum(1.0, np.abs(np.where(finite, expected, 0.0)))).any():
        raise Unsupported(f"its values differ by up to {wide.max():.1e}")
