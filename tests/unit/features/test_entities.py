"""EntityKey: ids of a request as the store's type."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpin.features.entities import EntityKey
from twinpin.step.errors import Malformed

NUMBER = EntityKey("location_id", "INT64")
SMALL = EntityKey("location_id", "INT32")
TEXT = EntityKey("airport", "STRING")


def ids(*values) -> np.ndarray:
    """Make the tensor that a JSON list of mixed values becomes."""
    return np.array(values, dtype=object)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_integers_keep_value_order_and_duplicates(values):
    """The rows of the answer are those of the request."""
    assert NUMBER.entities(np.array(values, np.int64)) == values


@given(st.lists(st.text(), min_size=1))
def test_texts_keep_value_order_and_duplicates(values):
    """A text is never changed."""
    assert TEXT.entities(ids(*values)) == values


@pytest.mark.parametrize("value", [5, "5", 5.0, "+5", np.int32(5)])
def test_an_exact_integer_is_taken_in_any_form(value):
    """JSON writes one number in several ways."""
    assert NUMBER.entities(np.array([value])) == [5]


def test_a_column_of_ids_is_a_list_of_ids():
    """V2 clients often send [n, 1]."""
    assert NUMBER.entities(np.array([[5], [6]])) == [5, 6]


def test_an_integer_is_the_text_of_its_digits():
    """A text key accepts a number, as Feast does."""
    assert TEXT.entities(np.array([5])) == ["5"]


@pytest.mark.parametrize(
    "value",
    [None, True, np.nan, np.inf, 5.5, "", "5.0", "five", "1_000", "\u0665", " 5", 2**63, 1e300, "9" * 400, [1], {}],
)
def test_what_is_no_integer_is_refused_by_name(value):
    """The error names the key and what it wants."""
    with pytest.raises(Malformed, match="no id for location_id: it must be an integer of 64 bits") as error:
        NUMBER.entity(value)

    assert len(error.value.message) < 160


@pytest.mark.parametrize("value", [None, True, 5.0, b"\xff", [1]])
def test_what_is_no_text_is_refused_by_name(value):
    """A number with a point is no text: which digits would it have."""
    with pytest.raises(Malformed, match="no id for airport: it must be a text"):
        TEXT.entity(value)


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1])
def test_an_integer_over_the_keys_width_is_refused(value):
    """Feast would wrap or fail on it."""
    with pytest.raises(Malformed, match="32 bits"):
        SMALL.entity(value)


@pytest.mark.parametrize("tensor", [np.array(5), np.array([[1, 2]]), np.zeros((1, 1, 1), np.int64)])
def test_ids_of_another_shape_are_refused(tensor):
    """Only a list names rows."""
    with pytest.raises(Malformed, match="must be a list of ids"):
        NUMBER.entities(tensor)


def test_no_ids_are_refused():
    """Feast ends with an IndexError there."""
    with pytest.raises(Malformed, match="name at least one"):
        NUMBER.entities(np.array([], np.int64))
