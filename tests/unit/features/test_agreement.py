"""Agreement: two reads of the same rows are compared until enough was."""

import numpy as np
import pytest

from twinpin.features.agreement import ENOUGH, Agreement
from twinpin.features.rows import Rows
from twinpin.features.values import Feature

TEMP, NAME = Feature("temp", "weather", "DOUBLE_LIST"), Feature("name", "weather", "STRING")


def rows(windows, names, times=None):
    """Rows of one view."""
    return Rows({"weather": times or [1] * len(names)}, {"temp": windows, "name": names})


ONE = rows(np.array([[1.0, np.nan]]), ["a"])


def test_a_feature_that_was_seen_with_a_value_counts():
    """One row with all its values is enough; a null says nothing of how a value would be read."""
    agreement = Agreement([TEMP, NAME])

    assert agreement.holds(rows(np.array([[1.0, 2.0]]), [None]), rows([np.array([1.0, 2.0])], [None]))
    assert not agreement.reached
    assert agreement.holds(ONE, ONE)
    assert agreement.reached


def test_a_feature_that_never_has_a_value_is_not_waited_for():
    """Many rows are enough whatever they hold; entities that the store does not know are none."""
    agreement = Agreement([TEMP, NAME])
    known = rows([np.array([1.0])] * ENOUGH, [None] * ENOUGH)
    unknown = rows([None] * ENOUGH, [None] * ENOUGH, times=[0] * ENOUGH)

    assert agreement.holds(unknown, unknown)
    assert not agreement.reached
    assert agreement.holds(known, known)
    assert agreement.reached


@pytest.mark.parametrize(
    "other",
    [
        rows(np.array([[1.0, 2.0]]), ["a"]),
        rows(np.array([[1.0]]), ["a"]),
        rows([None], ["a"]),
        rows(ONE.values["temp"], ["b"]),
        rows(ONE.values["temp"], [None]),
        rows(ONE.values["temp"], ["a"], times=[9]),
        Rows({"air": [1]}, ONE.values),
    ],
)
def test_a_difference_is_found(other):
    """In a value, a length, a null, a text, a time or a view."""
    agreement = Agreement([TEMP, NAME])

    assert not agreement.holds(other, ONE)
    assert not agreement.holds(ONE, other)
    assert not agreement.reached
