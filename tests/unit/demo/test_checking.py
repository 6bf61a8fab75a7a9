"""Checking: a check that could not fail would prove nothing."""

import math

import numpy as np
import pytest

from demo_forecast import checking, client, questions
from demo_forecast.checks import Check


def raising(error):
    """A question that ends in an error."""

    def ask():
        raise error

    return ask


def test_answers_within_the_tolerance_pass(capsys):
    """The table names each check and its difference."""
    passed = checking.run([Check("forecast", lambda: 2e-6), Check("health", lambda: None)])

    assert passed
    assert "2 checks, 0 failed; largest difference 2.0e-06" in capsys.readouterr().out


@pytest.mark.parametrize("difference", [2e-5, math.inf, math.nan])
def test_a_forecast_that_differs_fails(difference):
    """NaN is no forecast either."""
    assert not checking.run([Check("forecast", lambda: difference)])


@pytest.mark.parametrize("error", [questions.Differs("404"), ConnectionError("reset"), KeyError("prediction")])
def test_an_answer_that_cannot_be_read_fails_and_the_others_go_on(error, capsys):
    """One table shows everything that is wrong."""
    assert not checking.run([Check("first", raising(error)), Check("second", lambda: 0.0)])
    assert "2 checks, 1 failed" in capsys.readouterr().out


def test_a_forecast_of_another_shape_differs():
    """Half a horizon is not compared with half of the other."""
    with pytest.raises(questions.Differs, match="shape"):
        questions._difference([1.0] * 24, np.zeros((2, 24)))


def test_the_largest_difference_counts():
    """One wrong hour is enough."""
    found = [0.0] * 23 + [0.5]

    assert questions._difference(found, np.zeros((1, 24))) == 0.5


def test_a_binary_request_holds_the_tensors_behind_its_head():
    """As the protocol's binary extension says: sizes in the head, little-endian values after it."""
    body, headers = client.binary({"a": np.array([1.0, 2.0]), "b": np.array([[3.0]])})
    length = int(headers[client.HEADER_LENGTH])

    assert np.frombuffer(body[length:], "<f8").tolist() == [1.0, 2.0, 3.0]
    assert b'"binary_data_size": 16' in body[:length]
