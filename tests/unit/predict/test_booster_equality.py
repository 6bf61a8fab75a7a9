"""Every kind of xgboost model predicts what its own class does after MLflow has loaded it."""

import mlflow.pyfunc
import mlflow.xgboost
import numpy as np
import pair_folders
import pandas as pd
import pytest
import xgboost
from mlflow.models import infer_signature

from twinpin import predict
from twinpin.step.step import Context

WIDTH = 6


def rows(count=200, seed=0, gaps=0.0):
    """Rows of six numbers, a share of them missing."""
    draw = np.random.default_rng(seed)
    made = draw.normal(size=(count, WIDTH)).astype(np.float32)
    return np.where(draw.random(made.shape) < gaps, np.nan, made).astype(np.float32)


def named():
    """The same rows with column names."""
    return pd.DataFrame(rows(), columns=[f"c{place}" for place in range(WIDTH)])


def labels(kind, matrix):
    """What each kind of model learns."""
    if kind == "numbers":
        return pair_folders.targets(matrix)
    classes = np.digitize(matrix[:, 0], [-0.5, 0.5])
    return classes if kind == "three" else (matrix[:, 0] > 0).astype(int)


def booster(matrix, answers, **options):
    """A model of the native API."""
    options = {"max_depth": 3, "nthread": 1, **options}
    return xgboost.train(options, xgboost.DMatrix(matrix, answers), 8)


def early_stopped(matrix):
    """A model that went on past its best iteration."""
    noise = np.random.default_rng(1).normal(size=len(matrix))
    model = xgboost.XGBRegressor(n_estimators=60, max_depth=4, learning_rate=0.8, early_stopping_rounds=20, n_jobs=1)
    model.fit(matrix[:100], noise[:100], eval_set=[(matrix[100:], noise[100:])], verbose=False)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    return model


def multi_label(matrix):
    """A classifier that says yes or no to two questions at once."""
    answers = np.stack([matrix[:, 0] > 0, matrix[:, 1] > 0], axis=1).astype(int)
    return xgboost.XGBClassifier(n_estimators=8, n_jobs=1).fit(matrix, answers)


REGRESSORS = {
    "horizon": pair_folders.regressor,
    "one output": lambda x: pair_folders.regressor(x, horizon=1),
    "vector leaves": lambda x: pair_folders.regressor(x, multi_strategy="multi_output_tree"),
    "dart": lambda x: pair_folders.regressor(x, booster="dart", rate_drop=0.3, random_state=1),
    "linear": lambda x: xgboost.XGBRegressor(booster="gblinear", n_estimators=8, n_jobs=1).fit(x, x[:, 0]),
    "forest": lambda x: xgboost.XGBRFRegressor(n_estimators=8, n_jobs=1).fit(x, x[:, 0]),
    "base score": lambda x: pair_folders.regressor(x, base_score=7.5),
    "poisson": lambda x: pair_folders.regressor(np.abs(x), horizon=1, objective="count:poisson"),
    "early stopping": early_stopped,
    "ranker": lambda x: xgboost.XGBRanker(n_estimators=8, n_jobs=1).fit(
        x, labels("two", x), qid=np.repeat(np.arange(20), 10)
    ),
    "booster": lambda x: booster(x, pair_folders.targets(x)),
    "booster, one output": lambda x: booster(x, x[:, 0]),
    "booster, linear": lambda x: booster(x, x[:, 0], booster="gblinear", max_depth=None),
    "booster, classes": lambda x: booster(x, labels("three", x), objective="multi:softprob", num_class=3),
    "booster, class numbers": lambda x: booster(x, labels("three", x), objective="multi:softmax", num_class=3),
    "booster of an early stop": lambda x: early_stopped(x).get_booster(),
}

CLASSIFIERS = {
    "two classes": lambda x: xgboost.XGBClassifier(n_estimators=8, n_jobs=1).fit(x, labels("two", x)),
    "three classes": lambda x: xgboost.XGBClassifier(n_estimators=8, n_jobs=1).fit(x, labels("three", x)),
    "softmax": lambda x: xgboost.XGBClassifier(n_estimators=8, n_jobs=1, objective="multi:softmax").fit(
        x, labels("three", x)
    ),
    "two labels": multi_label,
    "forest": lambda x: xgboost.XGBRFClassifier(n_estimators=8, n_jobs=1).fit(x, labels("three", x)),
}

FINE = pytest.mark.filterwarnings("ignore:.*Parameters. \\{.*are not used:UserWarning")


def forecast(folder, matrix):
    """What the step answers to a matrix."""
    step = predict.load(folder, predict.Settings(device="cpu", predict_threads=1))
    (answer,) = step.run({"matrix": matrix}, Context()).tensors.values()
    assert answer.dtype == np.float32
    assert answer.shape == (len(matrix), step.outputs[0].shape[1])
    return answer


@FINE
@pytest.mark.filterwarnings("ignore:.*inplace_predict:UserWarning")
@pytest.mark.parametrize("kind", REGRESSORS)
@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_a_regressor_or_booster_predicts_what_mlflow_does(tmp_path, kind, gaps):
    """Numbers are those of the pyfunc, with and without missing values."""
    pair_folders.model_folder(tmp_path, REGRESSORS[kind](rows()))
    asked = rows(40, seed=2, gaps=gaps)

    expected = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(asked)

    np.testing.assert_allclose(forecast(tmp_path, asked), expected.reshape(40, -1), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_a_classifier_answers_with_probabilities(tmp_path, kind):
    """One column per class, as predict_proba of the class gives them."""
    pair_folders.model_folder(tmp_path, CLASSIFIERS[kind](rows()))
    asked = rows(40, seed=2, gaps=0.1)

    expected = mlflow.xgboost.load_model(str(tmp_path / "model")).predict_proba(asked)

    np.testing.assert_allclose(forecast(tmp_path, asked), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("file_format", ["ubj", "json"])
def test_each_file_format_is_read(tmp_path, file_format):
    """The file that MLmodel names is opened, whatever its format."""
    model = pair_folders.regressor(rows())
    pair_folders.model_folder(tmp_path, model, model_format=file_format)

    np.testing.assert_allclose(forecast(tmp_path, rows(5)), model.predict(rows(5)), rtol=1e-6)


def test_a_declared_missing_value_is_missing(tmp_path):
    """The metadata key says what XGBoost and MLflow do not keep: which number stands for a missing one."""
    model = xgboost.XGBRegressor(n_estimators=8, missing=-999.0, n_jobs=1)
    trained = np.nan_to_num(rows(gaps=0.3), nan=-999.0)
    model.fit(trained, trained[:, 0])
    pair_folders.model_folder(tmp_path, model, metadata={"twinpin.missing": -999.0})

    asked = np.nan_to_num(rows(40, seed=2, gaps=0.3), nan=-999.0)

    np.testing.assert_allclose(forecast(tmp_path, asked)[:, 0], model.predict(asked), rtol=1e-6)


def test_without_a_declared_missing_value_the_numbers_are_mlflows(tmp_path):
    """A custom missing value that nobody declared is lost on saving, here as there."""
    model = xgboost.XGBRegressor(n_estimators=8, missing=-999.0, n_jobs=1)
    trained = np.nan_to_num(rows(gaps=0.3), nan=-999.0)
    model.fit(trained, trained[:, 0])
    pair_folders.model_folder(tmp_path, model)
    asked = np.nan_to_num(rows(40, seed=2, gaps=0.3), nan=-999.0)

    expected = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(asked)

    np.testing.assert_allclose(forecast(tmp_path, asked)[:, 0], expected, rtol=1e-6)


def test_one_row_is_its_row_of_many(tmp_path):
    """A row's forecast does not depend on the rows beside it."""
    pair_folders.model_folder(tmp_path, pair_folders.regressor(rows()))
    asked = rows(7, seed=3)

    together = forecast(tmp_path, asked)
    alone = np.concatenate([forecast(tmp_path, asked[place : place + 1]) for place in range(7)])

    np.testing.assert_array_equal(together, alone)


def test_codes_of_categories_are_taken_as_numbers(tmp_path):
    """A model that was trained on category codes predicts from them."""
    draw = np.random.default_rng(0)
    matrix = np.stack([draw.integers(0, 4, 200), draw.normal(size=200)], axis=1)
    answers = matrix[:, 0] % 2 * 10 + matrix[:, 1]
    model = xgboost.XGBRegressor(n_estimators=8, enable_categorical=True, feature_types=["c", "q"], n_jobs=1)
    pair_folders.model_folder(tmp_path, model.fit(matrix, answers))

    np.testing.assert_allclose(forecast(tmp_path, matrix[:20])[:, 0], model.predict(matrix[:20]), rtol=1e-6)


def test_columns_by_name_come_in_any_order(tmp_path):
    """Names, not places, decide; what the model does not know is left alone."""
    frame = named()
    model = pair_folders.regressor(frame)
    pair_folders.model_folder(tmp_path, model, infer_signature(frame, model.predict(frame)))
    step = predict.load(tmp_path, predict.Settings(device="cpu"))
    columns = {name: frame[name].to_numpy()[:5] for name in reversed(frame.columns)}

    answer = step.run({"location": np.arange(5), **columns}, Context())

    np.testing.assert_allclose(answer.tensors["forecast"], model.predict(frame[:5]), rtol=1e-6)


def test_the_preprocessors_order_is_put_into_the_models(tmp_path):
    """The matrix stands in the order of the preprocessor's output; any other tensor in the model's."""
    frame = named()
    model = pair_folders.regressor(frame)
    shuffled = frame[["c3", "c0", "c5", "c1", "c4", "c2"]]
    pair_folders.model_folder(
        tmp_path,
        model,
        infer_signature(frame, model.predict(frame)),
        preprocessor=infer_signature(frame, shuffled),
    )
    step = predict.load(tmp_path, predict.Settings(device="cpu"))

    from_step = step.run({"matrix": shuffled.to_numpy()[:5]}, Context()).tensors["forecast"]
    from_client = step.run({"input-0": frame.to_numpy()[:5]}, Context()).tensors["forecast"]

    np.testing.assert_allclose(from_step, model.predict(frame[:5]), rtol=1e-6)
    np.testing.assert_allclose(from_client, model.predict(frame[:5]), rtol=1e-6)


def test_the_output_has_the_name_that_the_signature_gives_it(tmp_path):
    """A model whose one output is named answers under that name."""
    frame = named()
    model = pair_folders.regressor(frame, horizon=1)
    output = pd.DataFrame({"load": model.predict(frame)})
    pair_folders.model_folder(tmp_path, model, infer_signature(frame, output))

    step = predict.load(tmp_path, predict.Settings(device="cpu"))

    assert [(each.name, each.shape) for each in step.outputs] == [("load", (-1, 1))]
    assert list(step.run({"matrix": frame.to_numpy()[:2]}, Context()).tensors) == ["load"]
