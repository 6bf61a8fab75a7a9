"""Plain bodies: columns under "data", keys under "entities"."""

import numpy as np
import orjson
import pytest

from twinpin.step.decode import decode_request
from twinpin.step.errors import Malformed


def decode(document):
    """Decode a document as its bytes."""
    return decode_request(orjson.dumps(document))


def test_columns_get_the_datatype_of_their_values():
    """Whole numbers stay whole; a null or a fraction makes floating point; text and flags stay what they are."""
    data = {"whole": [1, 2], "gap": [1, None], "share": [0.5, 1], "word": ["a", "b"], "flag": [True, False]}

    tensors = decode({"data": data, "id": "q", "parameters": {"p": 1}}).tensors

    kinds = {name: array.dtype.kind for name, array in tensors.items()}
    assert kinds == {"whole": "i", "gap": "f", "share": "f", "word": "O", "flag": "b"}
    assert np.isnan(tensors["gap"][1])


def test_a_window_column_has_a_row_of_values_for_each_row():
    """K lists of W values make a [k, W] tensor."""
    tensors = decode({"data": {"temp": [[1, 2, None], [4, 5, 6]]}}).tensors

    np.testing.assert_array_equal(tensors["temp"], [[1, 2, np.nan], [4, 5, 6]])


@pytest.mark.parametrize(
    ("entities", "dtype", "values"),
    [
        ([3, 1], np.int64, [3, 1]),
        (5, np.int64, [5]),
        (["JFK", "LGA"], object, ["JFK", "LGA"]),
        ("JFK", object, ["JFK"]),
    ],
)
def test_entities_become_a_tensor_named_as_their_key(entities, dtype, values):
    """One id or many, numbers or text."""
    message = decode({"entities": entities, "entity_key": "location", "time_point": "now", "partial": True})

    assert message.tensors["location"].dtype == dtype
    assert message.tensors["location"].tolist() == values
    assert message.parameters == {"entity_key": "location", "time_point": "now", "partial": True}


def test_entities_without_a_key_wait_for_the_features_step_to_name_it():
    """The step knows its own key."""
    assert list(decode({"entities": [1]}).tensors) == ["entities"]


@pytest.mark.parametrize("document", [{"entities": None}, {"time_point": "now"}, {"entity_key": "location"}])
def test_no_entities_leave_the_choice_to_the_features_step(document):
    """Null is the configured default entity, so nothing stands in for it here."""
    assert decode(document).tensors == {}


def test_a_key_among_the_parameters_counts_too():
    """A V2-minded client puts it there."""
    message = decode({"entities": [1], "parameters": {"entity_key": "location"}})

    assert list(message.tensors) == ["location"]


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"data": {}}, '"data" must be an object'),
        ({"data": [1]}, '"data" must be an object'),
        ({"data": {"a": 1}}, "values of 'a' must be a list"),
        ({"data": {"a": [1], "b": [1, 2]}}, "differ in their number of rows"),
        ({"data": {"a": [1, "x"]}}, "values of one kind"),
        ({"data": {"a": [None, "x"]}}, "send the text that stands for none"),
        ({"data": {"a": [[1, 2], [3]]}}, "different lengths"),
        ({"data": {"a": [{}]}}, "lists or objects"),
        ({"data": {"a": [2**63]}}, "INT64 holds"),
        ({"data": {"": [1]}}, "name of a column"),
        ({"data": {"a": [1]}, "entities": [1]}, "['entities'], which do not go with ['data']"),
        ({"data": {"a": [1]}, "dta": 1}, "['dta']"),
        ({"entities": [1], "timepoint": "now"}, "['timepoint']"),
        ({"entities": [1, "a"]}, "all whole numbers (64 bits) or all text"),
        ({"entities": [1.5]}, "all whole numbers"),
        ({"entities": [True]}, "all whole numbers"),
        ({"entities": [[1]]}, "all whole numbers"),
        ({"entities": {"id": 1}}, "all whole numbers"),
        ({"entities": [2**64 - 1]}, "64 bits"),
        ({"entities": [1], "entity_key": 5}, '"entity_key" must be text'),
        ({"entities": [1], "entity_key": ""}, "name of the entity key"),
        ({"entities": [1], "time_point": 5}, '"time_point" must be text'),
        ({"entities": [1], "partial": "yes"}, '"partial" must be true or false'),
    ],
)
def test_what_is_wrong_is_said(document, sentence):
    """A slip of the pen is named, not ignored."""
    with pytest.raises(Malformed) as caught:
        decode(document)

    assert sentence in caught.value.message
