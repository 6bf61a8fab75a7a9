"""Pair folders as `twinpin resolve` leaves them: pin.json, and the trees of a real preprocessor and a real model."""

import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import xgboost
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler

from twinpin.pair import tree
from twinpin.pair.folder import PairFolder
from twinpin.pair.pin import Half, Pin

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow warns of type hints of its own when it is imported
    import mlflow.pyfunc
    import mlflow.sklearn
    import mlflow.xgboost
    from mlflow.models import ModelSignature, infer_signature
    from mlflow.models.model import Model

#: Without them MLflow starts a process per model to find out what it imports.
REQUIREMENTS = ["scikit-learn", "xgboost"]

SERIES = ("temp", "wind")
LAGS = 4
HORIZON = 3


def seal(folder: Path, preprocessor: str = "7", model: str = "12", digits: str = "3fa9c1") -> Pin:
    """Write the Pin of a folder whose two trees lie there, with their digests."""
    pair = PairFolder(folder)

    def half(name: str, version: str, of: Path) -> Half:
        return Half(name=name, version=version, run_id="r0", digest=tree.digest(of))

    pin = Pin(
        id=f"p{preprocessor}-m{model}-{digits}",
        rollout="r1",
        alias="production",
        preprocessor=half("xgboost_preprocessor", preprocessor, pair.preprocessor),
        model=half("xgboost_model", model, pair.model),
        evidence="run",
        created=datetime(2026, 1, 2, tzinfo=UTC),
    )
    (folder / "pin.json").write_text(pin.model_dump_json(), encoding="utf-8")
    return pin


def lag_names(series: Sequence[str] = SERIES, lags: int = LAGS) -> list[str]:
    """The lag columns of some series: temp_lag_00 is the newest value."""
    return [f"{name}_lag_{lag:02d}" for name in series for lag in range(lags)]


def lag_rows(rows: int = 200, seed: int = 0) -> pd.DataFrame:
    """Rows of lag columns and an hour, with gaps in some lags."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(draw.normal(15, 8, size=(rows, 2 * LAGS)), columns=lag_names())
    frame = frame.mask(draw.random(frame.shape) < 0.1)
    frame["hour"] = draw.integers(0, 24, rows).astype(float)
    return frame


def lag_pipeline() -> Pipeline:
    """A preprocessor of the usual kinds: impute, scale, encode."""
    hours = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = ColumnTransformer(
        [
            (
                "temp",
                Pipeline([("fill", SimpleImputer(strategy="median")), ("scale", StandardScaler())]),
                lag_names(["temp"]),
            ),
            (
                "wind",
                Pipeline([("fill", SimpleImputer(strategy="mean")), ("scale", RobustScaler())]),
                lag_names(["wind"])[:2],
            ),
            (
                "gust",
                Pipeline([("fill", SimpleImputer(strategy="constant", fill_value=0.0)), ("scale", MinMaxScaler())]),
                lag_names(["wind"])[2:],
            ),
            ("hour", hours, ["hour"]),
        ],
        verbose_feature_names_out=False,
    )
    return Pipeline([("columns", columns)])


def targets(matrix: np.ndarray, horizon: int = HORIZON) -> np.ndarray:
    """Something to learn: smooth functions of the first columns."""
    known = np.nan_to_num(np.asarray(matrix, dtype=float))
    return np.stack([known[:, 0] * (1 + step) + known[:, 1] ** 2 for step in range(horizon)], axis=1)


def regressor(matrix: np.ndarray | pd.DataFrame, horizon: int = HORIZON, **options: object) -> xgboost.XGBRegressor:
    """A small model, one output per hour of the horizon."""
    labels = targets(np.asarray(matrix), horizon)
    settings = {"n_estimators": 12, "max_depth": 3, "n_jobs": 1, **options}
    return xgboost.XGBRegressor(**settings).fit(matrix, labels if horizon > 1 else labels[:, 0])


def save_sklearn(transformer: object, at: Path, signature: ModelSignature | None, **options: object) -> None:
    """Save a transformer as MLflow's users do: a pyfunc whose predict is transform."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.sklearn.save_model(
            transformer,
            at,
            signature=signature,
            pip_requirements=REQUIREMENTS,
            **{"pyfunc_predict_fn": "transform", "serialization_format": "cloudpickle", **options},
        )


def save_python_model(model: mlflow.pyfunc.PythonModel, at: Path, signature: ModelSignature | None) -> None:
    """Save a PythonModel, MLflow's form for code of one's own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.pyfunc.save_model(at, python_model=model, signature=signature, pip_requirements=REQUIREMENTS)


def save_xgboost(model: object, at: Path, signature: ModelSignature | None = None, **options: object) -> None:
    """Save a Booster or a model of the scikit-learn API."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.xgboost.save_model(model, at, signature=signature, pip_requirements=REQUIREMENTS, **options)


def bare_tree(at: Path, signature: ModelSignature | None = None) -> None:
    """A tree that has an MLmodel file and a signature, for the half that a test does not run."""
    at.mkdir(parents=True)
    Model(signature=signature).save(at / "MLmodel")


def model_folder(
    folder: Path,
    model: object,
    signature: ModelSignature | None = None,
    *,
    preprocessor: ModelSignature | None = None,
    **options: object,
) -> Path:
    """A pair folder whose preprocessor is only declared."""
    bare_tree(folder / "preprocessor", preprocessor)
    save_xgboost(model, folder / "model", signature, **options)
    seal(folder)
    return folder


def preprocessor_folder(folder: Path) -> Path:
    """Make a pair folder of one whose preprocessor/ is there, with a model that is only declared."""
    if not (folder / "model").exists():
        bare_tree(folder / "model")
    seal(folder)
    return folder


def lag_pair(folder: Path) -> Path:
    """A whole pair: lag columns through a pipeline of scikit-learn into a regressor over three hours."""
    rows = lag_rows()
    pipeline = lag_pipeline().fit(rows)
    matrix = pd.DataFrame(pipeline.transform(rows), columns=pipeline.get_feature_names_out())
    save_sklearn(pipeline, folder / "preprocessor", infer_signature(rows, matrix), input_example=rows.head(3))
    model = regressor(matrix)
    save_xgboost(model, folder / "model", infer_signature(matrix, model.predict(matrix)))
    seal(folder)
    return folder
