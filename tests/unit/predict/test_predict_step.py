"""The predict step refuses what is not its pair's, not its width or not a number, and says what to do."""

import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pair_folders
import pandas as pd
import pytest
import xgboost
from metric_samples import sample
from mlflow.models import infer_signature

from twinpin import predict
from twinpin.predict import device
from twinpin.predict.cpus import available_cpus
from twinpin.step.errors import Broken, CannotStart, Impossible, Malformed, PairMismatch
from twinpin.step.settings import ObserveSettings
from twinpin.step.step import Context

NAMES = ["a", "b", "c"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A pair of pair id p7-m12-3fa9c1 whose model takes the columns a, b, c."""
    path = tmp_path_factory.mktemp("pair")
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(100, 3)), columns=NAMES)
    model = pair_folders.regressor(frame)
    return pair_folders.model_folder(path, model, infer_signature(frame, model.predict(frame)))


@pytest.fixture(scope="module")
def step(folder):
    """The step of that pair."""
    return predict.load(folder, predict.Settings(device="cpu", predict_threads=1))


def test_every_answer_carries_the_pair(step):
    """The stamp and both versions stand in the answer's parameters."""
    answer = step.run({"matrix": np.zeros((1, 3))}, Context())

    assert answer.parameters == {"pair": "p7-m12-3fa9c1", "preprocessor_version": "7", "model_version": "12"}
    assert step.versions == ("12", "p7-m12-3fa9c1")
    assert (step.name, step.platform) == ("predict", "xgboost_booster")


def test_the_own_stamp_and_none_are_accepted(step):
    """The pair's own messages are answered, and those of clients that bring their own matrix."""
    stamped = step.run({"matrix": np.ones((1, 3))}, Context(parameters={"pair": "p7-m12-3fa9c1"}))
    bare = step.run({"matrix": np.ones((1, 3))}, Context())

    np.testing.assert_array_equal(stamped.tensors["forecast"], bare.tensors["forecast"])


@pytest.mark.parametrize("stamp", ["p8-m12-3fa9c1", "", 7, False])
def test_another_pairs_stamp_is_refused(step, stamp):
    """A message of another pair is a mismatch, and the sentence names both pairs."""
    with pytest.raises(PairMismatch, match="p7-m12-3fa9c1") as refused:
        step.run({"matrix": np.ones((1, 3))}, Context(parameters={"pair": stamp}))

    assert str(stamp) in refused.value.message


@pytest.mark.parametrize(
    ("tensors", "says"),
    [
        ({"matrix": np.zeros((2, 4))}, "takes 3 columns and tensor 'matrix' has 4"),
        ({"a": np.zeros(2), "c": np.zeros(2)}, "not in the request: b"),
        ({"matrix": np.zeros(3)}, "not in the request: a, b, c"),
        ({}, "not in the request: a, b, c"),
        ({"matrix": np.zeros((0, 3))}, "holds no rows"),
        ({"matrix": np.array([["1", "2", "3"]], dtype=object)}, "holds text"),
        ({"a": np.zeros((2, 5)), "b": np.zeros(2), "c": np.zeros(2)}, "shape \\[2, 5\\]"),
        ({"matrix": np.array([[0.0, np.inf, 0.0]])}, "infinite value"),
        ({"matrix": np.array([[0.0, 1e300, 0.0]])}, "beyond single precision"),
        ({"matrix": np.zeros((1, 3), dtype=complex)}, "complex128"),
    ],
)
def test_what_the_model_cannot_take_is_named(step, tensors, says):
    """Width, names, type and size are checked before the booster sees anything."""
    with pytest.raises(Impossible, match=says):
        step.run(tensors, Context())


def test_columns_of_different_lengths_are_malformed(step):
    """There is no telling which rows belong together."""
    with pytest.raises(Malformed, match="different numbers of rows"):
        step.run({"a": np.zeros(2), "b": np.zeros(3), "c": np.zeros(2)}, Context())


def test_a_bare_model_says_how_to_send_rows(tmp_path):
    """A model without column names is asked by one tensor only, and says so."""
    matrix = np.random.default_rng(0).normal(size=(50, 3))
    step = predict.load(pair_folders.model_folder(tmp_path, pair_folders.regressor(matrix)), predict.Settings())

    with pytest.raises(Impossible, match=r"one tensor 'matrix' of shape \[rows, 3\]"):
        step.run({"a": np.zeros(2), "b": np.zeros(2)}, Context())


def test_upright_columns_and_whole_numbers_are_taken(step):
    """A column may have shape [n, 1], and numbers any type."""
    flat = step.run({name: np.array([1, 2]) for name in NAMES}, Context())
    upright = step.run({name: np.array([[1.0], [2.0]]) for name in NAMES}, Context())

    np.testing.assert_array_equal(flat.tensors["forecast"], upright.tensors["forecast"])


def test_a_failure_of_the_booster_hides_its_words(step, monkeypatch):
    """XGBoost's text holds file names and addresses, so the client reads a sentence of ours."""

    def fail(*_, **__):
        raise xgboost.core.XGBoostError("/workspace/src/predictor.cc:7 at 10.0.0.3")

    monkeypatch.setattr(step, "_forecaster", fail)
    with pytest.raises(Broken) as broken:
        step.run({"matrix": np.zeros((1, 3))}, Context())

    assert "/workspace" not in broken.value.message
    assert isinstance(broken.value.__cause__, xgboost.core.XGBoostError)


def test_threads_share_the_booster(step):
    """Many threads get what one gets."""
    rows = np.random.default_rng(5).normal(size=(64, 3))
    expected = step.run({"matrix": rows}, Context()).tensors["forecast"]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda row: step.run({"matrix": row[np.newaxis]}, Context()), rows))

    together = np.concatenate([answer.tensors["forecast"] for answer in answers])
    np.testing.assert_array_equal(together, expected)


def test_a_folder_without_a_pair_says_how_to_get_one(tmp_path):
    """The operator is told to resolve first."""
    with pytest.raises(CannotStart, match="twinpin resolve"):
        predict.load(tmp_path, predict.Settings())


def test_a_model_that_was_tampered_with_never_serves(tmp_path):
    """The tree must have the digest that the Pin holds."""
    pair_folders.model_folder(tmp_path, pair_folders.regressor(np.eye(8)[:, :3]))
    with (tmp_path / "model" / "model.ubj").open("ab") as file:
        file.write(b"x")

    with pytest.raises(CannotStart, match="not the one that was pinned"):
        predict.load(tmp_path, predict.Settings())


def refused_model(path, change):
    """Why a model does not load whose MLmodel or file was changed before it was pinned."""
    pair_folders.model_folder(path, pair_folders.regressor(np.eye(8)[:, :3]))
    change(path / "model")
    pair_folders.seal(path)
    with pytest.raises(CannotStart) as refused:
        predict.load(path, predict.Settings())
    return str(refused.value)


def edited(old, new):
    """Replace a text in the MLmodel file."""

    def change(tree):
        text = (tree / "MLmodel").read_text()
        assert old in text
        (tree / "MLmodel").write_text(text.replace(old, new))

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (edited("  xgboost:", "  lightgbm:"), "no xgboost flavour"),
        (edited("data: model.ubj\n    model", "data: ../pin.json\n    model"), "lacks the file"),
        (edited("xgboost.sklearn.XGBRegressor", "house.models.Tuned"), "log its Booster"),
        (edited("mlflow_version:", "metadata: {twinpin.missing: none}\nmlflow_version:"), "not a number"),
        (lambda tree: (tree / "model.ubj").write_bytes(b"not a model"), "cannot read the model's file"),
    ],
)
def test_a_model_that_cannot_serve_says_why_at_start(tmp_path, change, says):
    """What is wrong with the artifact is known before the first request."""
    assert says in refused_model(tmp_path, change)


def test_categories_by_name_are_refused_at_start(tmp_path):
    """A matrix of numbers cannot carry the words that such a model encodes by itself."""
    frame = pd.DataFrame({"wind": pd.Categorical(["n", "s"] * 30), "speed": np.arange(60.0)})
    model = xgboost.XGBRegressor(n_estimators=3, enable_categorical=True).fit(frame, frame["speed"])
    pair_folders.model_folder(tmp_path, model)

    with pytest.raises(CannotStart, match="encode them in the preprocessor"):
        predict.load(tmp_path, predict.Settings())


def test_a_signature_of_another_width_is_refused_at_start(tmp_path):
    """Names that cannot belong to the booster's columns are not used."""
    frame = pd.DataFrame(np.eye(8)[:, :2], columns=["a", "b"])
    pair_folders.model_folder(tmp_path, pair_folders.regressor(np.eye(8)[:, :3]), infer_signature(frame))

    with pytest.raises(CannotStart, match="declares 2 columns and its booster takes 3"):
        predict.load(tmp_path, predict.Settings())


def test_cuda_without_a_cuda_wheel_is_a_start_error(folder):
    """Who asks for a GPU is not served by a CPU in silence."""
    if xgboost.build_info()["USE_CUDA"]:
        pytest.skip("this XGBoost wheel is built with CUDA")

    with pytest.raises(CannotStart, match=r"twinpin\[predict-gpu\]"):
        predict.load(folder, predict.Settings(device="cuda"))


def test_cuda_without_a_gpu_is_a_start_error(folder, monkeypatch):
    """XGBoost itself stays on the CPU with a warning; here it is an error that says what to do."""
    monkeypatch.setattr(xgboost, "build_info", lambda: {"USE_CUDA": True})
    if device._takes_cuda(pair_folders.regressor(np.eye(8)).get_booster()):
        pytest.skip("a GPU is there")

    with pytest.raises(CannotStart, match="no GPU is visible"):
        predict.load(folder, predict.Settings(device="cuda"))


def test_auto_falls_back_and_says_so(folder, caplog):
    """One line tells where the booster runs and why."""
    with caplog.at_level(logging.INFO, logger="twinpin.predict"):
        step = predict.load(folder, predict.Settings(device="auto"))

    assert step.device in {"cpu", "cuda"}
    assert len([line for line in caplog.messages if f"runs on {step.device}" in line]) == 1


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        ({"cpu.max": "max 100000"}, None),
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "10000 100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1),
    ],
)
def test_the_threads_fit_the_containers_quota(tmp_path, files, expected):
    """Both versions of cgroups are read; without a quota the process's affinity counts."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    allowed = len(os.sched_getaffinity(0))

    assert available_cpus(tmp_path) == (allowed if expected is None else min(expected, allowed))


def test_the_step_imports_neither_mlflow_nor_scikit_learn(folder):
    """The predict image has neither: the step loads and answers where importing them fails."""
    program = (
        "import sys\n"
        "for name in ('mlflow', 'sklearn', 'pandas', 'feast', 'kserve'): sys.modules[name] = None\n"
        "from pathlib import Path; import numpy as np\n"
        "from twinpin import predict; from twinpin.step.step import Context\n"
        "step = predict.load(Path(sys.argv[1]), predict.Settings(device='cpu'))\n"
        "print(step.run({'matrix': np.zeros((2, 3))}, Context()).tensors['forecast'].shape)\n"
    )

    done = subprocess.run([sys.executable, "-c", program, folder], capture_output=True, text=True, check=False)

    assert (done.stdout, done.returncode) == ("(2, 3)\n", 0), done.stderr


def test_the_device_and_the_time_to_load_are_metrics(folder):
    """As they were for the model that was loaded last."""
    step = predict.load(folder, predict.Settings(device="cpu"))

    assert sample("twinpin_device_info", device=step.device) == 1
    assert 0 < sample("twinpin_model_load_duration_seconds", half="model") < 60


async def test_forecasts_are_shown_where_that_is_wanted(folder):
    """All values of each row, until the step is closed."""
    observe = ObserveSettings(observe=True, observe_interval=0)
    step = predict.load(folder, predict.Settings(device="cpu"), observe)
    matrix = np.random.default_rng(1).normal(size=(3, 3)).astype(np.float32)

    forecasts = [step.run({"matrix": matrix[row : row + 1]}, Context()).tensors["forecast"] for row in range(3)]

    labels = {"pair": "p7-m12-3fa9c1", "column": "forecast"}
    assert sample("twinpin_observed_values_total", **labels) == 3
    assert sample("twinpin_observed_mean", **labels) == pytest.approx(np.mean(forecasts), rel=1e-5)
    median = sample("twinpin_observed_quantile", **labels, quantile="0.5")
    assert median == pytest.approx(np.median(forecasts), rel=1e-5)

    await step.close()
    assert not sample("twinpin_observed_values_total", **labels)


@pytest.mark.parametrize(
    ("options", "quantiles"),
    [
        ({"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5, 0.95]}, "[0.1, 0.5, 0.95]"),
        ({"objective": "reg:quantileerror", "quantile_alpha": 0.9}, "[0.9]"),
        (
            {"objective": "reg:quantileerror", "quantile_alpha": [0.05, 0.5], "multi_strategy": "multi_output_tree"},
            "[0.05, 0.5]",
        ),
        ({"objective": "reg:absoluteerror"}, None),
    ],
)
@pytest.mark.parametrize("as_booster", [False, True])
def test_a_model_of_quantiles_names_them(tmp_path, options, quantiles, as_booster):
    """They are read from the booster itself, in the order of its values, whichever class it was logged as."""
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(200, 3)).astype(np.float32)
    model = xgboost.XGBRegressor(n_estimators=5, max_depth=2, n_jobs=1, **options).fit(rows, rows[:, 0])
    step = predict.load(
        pair_folders.model_folder(tmp_path, model.get_booster() if as_booster else model),
        predict.Settings(device="cpu", predict_threads=1),
    )
    answer = step.run({"matrix": rows[:4]}, Context())

    assert answer.parameters.get("quantiles") == quantiles
    np.testing.assert_allclose(answer.tensors["forecast"], model.predict(rows[:4]).reshape(4, -1), rtol=1e-6)
