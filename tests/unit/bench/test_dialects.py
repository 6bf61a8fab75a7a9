"""Dialects: every peer is asked for the same rows, and its forecasts are compared in the order of the request."""

import pytest

from measuring.dialects import forecasts, one_path, rest, v1, v2

ROW = {"path": "/predict", "body": {"data": {"a": [1.5], "b": [None]}}}
TWO = {"path": "/predict/feast/batch", "body": {"entities": [9, 2], "time_point": "now", "entity_key": "location_id"}}


def test_a_row_is_asked_for_in_the_order_of_its_columns():
    """A gap stays a gap."""
    assert v1(ROW) == ("/", {"instances": [[1.5, None]]})
    assert v2(ROW)[1]["inputs"][0] == {"name": "features", "shape": [1, 2], "datatype": "FP64", "data": [1.5, None]}
    assert rest(ROW) == ("/predict", ROW["body"])


def test_entities_are_named_by_their_key():
    """As the store knows them."""
    assert v1(TWO) == ("/", {"instances": [{"location_id": 9}, {"location_id": 2}]})
    assert v2(TWO)[1]["inputs"][0] == {"name": "location_id", "shape": [2], "datatype": "INT64", "data": [9, 2]}
    assert one_path(TWO) == ("/predict", TWO["body"])


@pytest.mark.parametrize(
    "answer",
    [
        {"predictions": {"2": [3.0, 4.0], "9": [1.0, 2.0]}},
        {"predictions": [[1.0, 2.0], [3.0, 4.0]]},
        {"outputs": [{"shape": [2, 2], "data": [1.0, 2.0, 3.0, 4.0]}]},
    ],
)
def test_forecasts_come_in_the_order_of_the_request(answer):
    """However they are written."""
    assert forecasts(answer, TWO) == [[1.0, 2.0], [3.0, 4.0]]


def test_a_single_forecast_is_one_row():
    """The answer of one entity has no name in it."""
    assert forecasts({"prediction": [1.0, 2.0]}, ROW) == [[1.0, 2.0]]
