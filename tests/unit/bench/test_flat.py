"""Flat: the leanest floor is a limit only while it predicts what the booster does."""

import numpy as np
import pytest
import xgboost

from measuring.flat import Flat


@pytest.mark.parametrize("outputs", [2, 5])
def test_few_complete_rows_are_predicted_as_by_the_booster(outputs):
    """To the last bit, with trees of unlike depths."""
    draw = np.random.default_rng(3)
    rows = draw.normal(size=(200, 6)).astype(np.float32)
    targets = np.stack([rows[:, place] * rows[:, 5] + 40 for place in range(outputs)], axis=1)
    settings = {"max_depth": 4, "gamma": 0.5, "objective": "reg:squarederror"}
    booster = xgboost.train(settings, xgboost.DMatrix(rows, targets), num_boost_round=20)
    expected = booster.inplace_predict(rows[:7]).reshape(7, outputs)

    assert np.array_equal(Flat(booster)(rows[:7]), expected)
