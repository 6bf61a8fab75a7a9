"""Pairs of several shapes forecast over two real step servers what they forecast offline."""

import subprocess
import sys

import httpx
import mlflow.pyfunc
import numpy as np
import pair_folders
import pair_steps
import pandas as pd
import pytest
from mlflow.models import infer_signature
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

STAMP = {"pair": "p7-m12-3fa9c1", "preprocessor_version": "7", "model_version": "12"}


def foreign_pair(folder):
    """A pair of other names and shapes: text in, one named output, a model that orders its columns its own way."""
    frame = pd.DataFrame({"site": ["north", "south", "east"] * 40, "load": np.arange(120.0) % 17})
    transformer = ColumnTransformer(
        [("site", OneHotEncoder(sparse_output=False), ["site"]), ("load", StandardScaler(), ["load"])],
        verbose_feature_names_out=False,
    ).fit(frame)
    matrix = pd.DataFrame(transformer.transform(frame), columns=transformer.get_feature_names_out())
    pair_folders.save_sklearn(transformer, folder / "preprocessor", infer_signature(frame, matrix))
    ordered = matrix[matrix.columns[::-1]]
    model = pair_folders.regressor(ordered, horizon=1)
    output = pd.DataFrame({"megawatt": model.predict(ordered)})
    pair_folders.save_xgboost(model, folder / "model", infer_signature(ordered, output))
    pair_folders.seal(folder)
    return folder


@pytest.fixture(scope="module", params=["lags", "foreign"])
def pair(request, tmp_path_factory):
    """A pair folder with the base URLs of its two steps."""
    folder = tmp_path_factory.mktemp(request.param)
    {"lags": pair_folders.lag_pair, "foreign": foreign_pair}[request.param](folder / "pair")
    with (
        pair_steps.step_process("preprocess", folder / "pair", folder) as preprocess,
        pair_steps.step_process("predict", folder / "pair", folder, "--device", "cpu") as predict,
    ):
        yield request.param, folder / "pair", preprocess, predict


def columns(kind):
    """Three rows as a client has them: column by column, null where there is no value."""
    if kind == "foreign":
        return {"site": ["south", "east", "north"], "load": [3.0, 9.5, 20.0]}
    frame = pair_folders.lag_rows(3, seed=9)
    return {name: [None if np.isnan(each) else each for each in frame[name]] for name in frame}


def offline(folder, data):
    """The same by pandas, scikit-learn and MLflow alone."""
    frame = pd.DataFrame(data)
    frame = frame.astype({name: float for name in frame if name != "site"})
    transformer = mlflow.sklearn.load_model(str(folder / "preprocessor"))
    matrix = pd.DataFrame(transformer.transform(frame), columns=transformer.get_feature_names_out())
    return mlflow.pyfunc.load_model(str(folder / "model")).predict(matrix)


@pytest.mark.timeout(240)
def test_a_pair_forecasts_over_http_what_it_does_offline(pair):
    """Raw columns go through both servers, chained as KServe's router chains them."""
    kind, folder, preprocess, predict = pair
    data = columns(kind)

    middle = httpx.post(f"{preprocess}/v2/models/preprocess/infer?answer=request", json={"data": data})
    last = httpx.post(f"{predict}/v2/models/predict/infer", content=middle.content)

    assert (middle.status_code, last.status_code) == (200, 200), middle.text + last.text
    answer = last.json()
    (output,) = answer["outputs"]
    forecast = np.array(output["data"]).reshape(output["shape"])
    expected = np.asarray(offline(folder, data)).reshape(3, -1)
    np.testing.assert_allclose(forecast, expected, atol=1e-5)
    assert output["name"] == ("megawatt" if kind == "foreign" else "forecast")
    assert answer["parameters"].items() >= STAMP.items()
    assert answer["model_version"] == "12"


@pytest.mark.timeout(240)
def test_another_pairs_message_is_refused_and_counted(pair):
    """The belt of the design: 409, with the pair that serves in the sentence and one more in the metrics."""
    kind, _, preprocess, predict = pair
    middle = httpx.post(f"{preprocess}/v2/models/preprocess/infer?answer=request", json={"data": columns(kind)}).json()
    middle["parameters"]["pair"] = "p8-m13-aaaaaa"

    refused = httpx.post(f"{predict}/v2/models/predict/infer", json=middle)

    assert refused.status_code == 409
    assert "p7-m12-3fa9c1" in refused.json()["error"]
    assert "twinpin_pair_mismatches_total 1.0" in httpx.get(f"{predict}/metrics").text


@pytest.mark.timeout(240)
def test_what_the_preprocessor_cannot_take_is_unprocessable(pair):
    """A lacking column is a 422 whose sentence names it."""
    kind, _, preprocess, _ = pair
    data = columns(kind)
    lacking = "load" if kind == "foreign" else "hour"
    del data[lacking]

    refused = httpx.post(f"{preprocess}/v2/models/preprocess/infer", json={"data": data})

    assert refused.status_code == 422
    assert lacking in refused.json()["error"]


@pytest.mark.parametrize("name", ["preprocess", "predict"])
def test_a_step_without_a_pair_does_not_start(tmp_path, name):
    """The command ends with one sentence that says what to do, and no stack trace."""
    command = [sys.executable, "-c", pair_steps.PROGRAM, "step", name, "--pair-dir", str(tmp_path)]

    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)

    assert ended.returncode != 0
    assert "run twinpin resolve first" in ended.stderr
    assert "Traceback" not in ended.stderr
