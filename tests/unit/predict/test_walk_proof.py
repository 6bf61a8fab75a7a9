"""A few rows are walked by numpy only where that is bit-equal to the booster."""

import logging

import numpy as np
import pair_folders
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from twinpin import predict
from twinpin.predict import walk
from twinpin.predict.walk import Walk, find_walk
from twinpin.step.step import Context

WIDTH = 5


def rows(count=200, gaps=0.0):
    """Rows of five numbers, a share of them missing."""
    draw = np.random.default_rng(0)
    made = draw.normal(size=(count, WIDTH))
    return np.where(draw.random(made.shape) < gaps, np.nan, made).astype(np.float32)


def booster(model):
    """The booster of a model of the scikit-learn API."""
    return model.get_booster()


WALKED = {
    "horizon": lambda: booster(pair_folders.regressor(rows())),
    "gaps": lambda: booster(pair_folders.regressor(rows(gaps=0.4))),
    "one output": lambda: booster(pair_folders.regressor(rows(), horizon=1)),
    "absolute error": lambda: booster(pair_folders.regressor(rows(), horizon=1, objective="reg:absoluteerror")),
    "stump": lambda: booster(pair_folders.regressor(rows(), max_depth=1)),
    "leaves alone": lambda: booster(pair_folders.regressor(rows(), gamma=1e9)),
    "lossguide": lambda: booster(pair_folders.regressor(rows(), grow_policy="lossguide", max_leaves=9, max_depth=0)),
    "exact": lambda: booster(pair_folders.regressor(rows(gaps=0.2), horizon=1, tree_method="exact")),
}

NOT_WALKED = {
    "classes": lambda: booster(xgboost.XGBClassifier(n_estimators=3).fit(rows(), rows()[:, 0] > 0)),
    "counts": lambda: booster(pair_folders.regressor(np.abs(rows()), horizon=1, objective="count:poisson")),
    "dart": lambda: booster(pair_folders.regressor(rows(), booster="dart")),
    "vector leaves": lambda: booster(pair_folders.regressor(rows(), multi_strategy="multi_output_tree")),
    "parallel trees": lambda: booster(pair_folders.regressor(rows(), num_parallel_tree=2, subsample=0.5)),
    "deep trees": lambda: booster(
        xgboost.XGBRegressor(n_estimators=2, max_depth=14, min_child_weight=0, reg_lambda=0).fit(
            np.arange(3000.0).reshape(-1, 1), np.random.default_rng(0).normal(size=3000)
        )
    ),
}


@pytest.mark.parametrize("kind", WALKED)
def test_a_sum_of_small_trees_is_walked(kind):
    """Every bit is the booster's, with gaps and without."""
    model = WALKED[kind]()

    found = find_walk(model, 0)

    assert found is not None
    for asked in (rows(50), rows(50, gaps=0.5)):
        expected = model.inplace_predict(asked, validate_features=False).reshape(50, -1)
        np.testing.assert_array_equal(found(asked), expected)


@pytest.mark.parametrize("kind", NOT_WALKED)
def test_what_is_no_such_sum_takes_the_booster(kind, caplog):
    """The log says why."""
    with caplog.at_level(logging.INFO, logger="twinpin.predict"):
        assert find_walk(NOT_WALKED[kind](), 0) is None

    assert "no walk" in caplog.text


def test_the_first_rounds_alone_are_walked():
    """An early stop counts as it does for the booster."""
    model = WALKED["horizon"]()

    found = find_walk(model, 5)

    expected = model.inplace_predict(rows(20), iteration_range=(0, 5), validate_features=False)
    np.testing.assert_array_equal(found(rows(20)), expected)


def test_a_walk_that_differs_is_not_used(monkeypatch):
    """One leaf that is off by the smallest step is seen."""

    class OffByABit(Walk):
        def __init__(self, forest):
            super().__init__(forest)
            self._leaves += np.spacing(self._leaves) * 4

    monkeypatch.setattr(walk, "Walk", OffByABit)

    assert find_walk(WALKED["horizon"](), 0) is None


MODEL = WALKED["gaps"]()
FOUND = find_walk(MODEL, 0)
LIMITS = [float(each) for each in FOUND.limits]
VALUES = st.floats(width=32, allow_infinity=False) | st.sampled_from(LIMITS)


@settings(max_examples=200, deadline=None)
@given(st.lists(VALUES, min_size=WIDTH, max_size=WIDTH))
def test_any_row_is_walked_as_the_booster_does(values):
    """Ties at a limit, gaps, and the largest and smallest numbers alike."""
    row = np.array([values], dtype=np.float32)

    np.testing.assert_array_equal(FOUND(row), MODEL.inplace_predict(row, validate_features=False))


def test_the_step_walks_few_rows_and_boosts_many(tmp_path):
    """Whichever way a row goes, its forecast is the same; a setting turns the walk off."""
    pair_folders.model_folder(tmp_path, pair_folders.regressor(rows()))
    step = predict.load(tmp_path, predict.Settings(device="cpu"))
    plain = predict.load(tmp_path, predict.Settings(device="cpu", predict_fast_path=False))
    few = step._forecaster.walked
    asked = rows(2 * few)

    def forecast(of, matrix):
        return of.run({"matrix": matrix}, Context()).tensors["forecast"]

    assert few > 0
    assert (step._forecaster.walks, plain._forecaster.walks, plain._forecaster.walked) == (True, False, 0)
    np.testing.assert_array_equal(forecast(step, asked[:few]), forecast(step, asked)[:few])
    np.testing.assert_array_equal(forecast(step, asked[:1]), forecast(plain, asked[:1]))
