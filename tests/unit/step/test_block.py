"""A block: columns of one type as one array, told from separate columns by nothing but its speed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpin.step.block import Block, row_counts, size
from twinpin.step.errors import TooLarge
from twinpin.step.jsondata import from_column, from_columns
from twinpin.step.limits import Limits
from twinpin.step.step import Message

VALUES = st.none() | st.floats(allow_nan=False)
COLUMNS = st.integers(1, 4).flatmap(
    lambda rows: st.dictionaries(st.text(min_size=1), st.lists(VALUES, min_size=rows, max_size=rows), min_size=1)
)


@given(COLUMNS)
def test_columns_made_together_are_those_made_one_by_one(columns):
    """Fractions and nulls alone; every value, and the type."""
    block = from_columns(columns)

    assert isinstance(block, Block)
    assert list(block) == list(columns)
    for name, values in columns.items():
        alone = from_column(name, values)
        assert alone.dtype == block[name].dtype
        np.testing.assert_array_equal(alone, block[name])


@pytest.mark.parametrize("other", [[1, 2], ["a", "b"], [True, False], [[1.0], [2.0]], [], 5, [1.0]])
def test_other_columns_are_made_one_by_one(other):
    """Whole numbers stay whole, and what is wrong is named with its column."""
    assert from_columns({"a": [1.5, None], "b": other}) is None


def test_its_rows_and_values_are_counted_as_those_of_its_columns():
    """Limits hold for it as for any tensors."""
    block = Block(("x", "y"), np.zeros((2, 3)))

    assert row_counts(block) == row_counts(dict(block)) == {3}
    assert size(block) == size(dict(block)) == 6
    with pytest.raises(TooLarge, match="'x' has 3 rows"):
        Limits(max_rows=2).admit(Message(block))
