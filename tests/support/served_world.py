"""A world for `twinpin serve`: a pair in a real MLflow registry and windows in a real Feast store, not the demo's."""

import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from feast import FeatureService
from feast.types import Array, Float64
from feature_repos import location, make_repo, sqlite, this_hour, view
from pair_folders import save_sklearn, save_xgboost
from small_server import started

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow warns of type hints of its own when it is imported
    import mlflow
    import mlflow.pyfunc
    import mlflow.sklearn
    import xgboost
    from mlflow import MlflowClient
    from mlflow.models import infer_signature

from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

PREPROCESSOR, MODEL, ALIAS = "sea_scaler", "sea_forecaster", "live"
SERIES = ("level", "swell")
LAGS, HORIZON, STORED = 5, 3, 30
KEY = "location_id"
COLUMNS = [f"{name}_lag_{lag}" for name in SERIES for lag in range(LAGS)]


def windows(location_id: int) -> dict[str, np.ndarray]:
    """What the store holds of one location, oldest value first; location 3 has a gap."""
    level = location_id + np.sin(np.arange(STORED) / 3)
    swell = np.cos(np.arange(STORED) / 5) * location_id
    if location_id == 3:
        swell[-2] = np.nan
    return {"level": level, "swell": swell}


def row(location_id: int, behind: int = 0) -> pd.DataFrame:
    """The preprocessor's input for one location, as its newest row or *behind* hours before it."""
    values = {}
    for name, window in windows(location_id).items():
        for lag in range(LAGS):
            values[f"{name}_lag_{lag}"] = [window[STORED - 1 - behind - lag]]
    return pd.DataFrame(values)[COLUMNS]


@dataclass
class World:
    """The folders, and the same pair as MLflow itself loads it."""

    folder: Path
    registry: str
    repo: Path
    online: dict
    preprocessor: object
    model: object
    at: datetime

    def offline(self, rows: pd.DataFrame) -> np.ndarray:
        """Compute the forecast with MLflow alone."""
        return np.asarray(self.model.predict(self.preprocessor.transform(rows)), dtype=np.float32)

    def flags(self, rollout: str = "r1", *, store: bool = True, **more: object) -> list[str]:
        """Everything that `twinpin serve` must be told."""
        settings = {
            "host": "127.0.0.1",
            "http-port": 0,
            "grpc-port": 0,
            "registry-uri": self.registry,
            "preprocessor-name": PREPROCESSOR,
            "model-name": MODEL,
            "alias": ALIAS,
            "rollout": rollout,
            "pair-dir": self.folder / "pairs" / rollout,
        }
        if store:
            settings |= {"feature-repo": self.repo, "feature-service": "sea", "default-entity": 2}
        settings |= {name.replace("_", "-"): value for name, value in more.items()}
        return [word for name, value in settings.items() for word in (f"--{name}", str(value))]

    def serve(self, rollout: str = "r1", *, store: bool = True, flags: Sequence[str] = (), **more: object):
        """Start it."""
        twinpin = str(Path(sys.executable).with_name("twinpin"))
        return started(
            [twinpin, "serve", *self.flags(rollout, store=store, **more), *flags], MLFLOW_DISABLE_TELEMETRY="true"
        )


def make_world(folder: Path, online: dict | None = None) -> World:
    """Train, register and fill."""
    registry = f"sqlite:///{folder}/mlflow.db"
    at = this_hour()
    preprocessor, model = _register(folder, registry)
    repo = _fill(folder / "sea_repo", online or sqlite(folder), at)
    return World(folder, registry, repo, online or sqlite(folder), preprocessor, model, at)


def _register(folder: Path, registry: str):
    """Fit a small pair and register both halves under the alias; returns what MLflow loads back."""
    client = MlflowClient(tracking_uri=registry, registry_uri=registry)
    client.create_experiment("sea", artifact_location=f"file://{folder}/artifacts")
    for name in (PREPROCESSOR, MODEL):
        client.create_registered_model(name)
    made = register_pair(folder / "first", registry, seed=0)
    for name, version in made.versions.items():
        client.set_registered_model_alias(name, ALIAS, version)
    return made.preprocessor, made.model


@dataclass
class Made:
    """A registered pair, as MLflow loads it back."""

    versions: dict[str, str]
    run_id: str
    preprocessor: object
    model: object

    def offline(self, rows: pd.DataFrame) -> np.ndarray:
        """Compute the forecast with MLflow alone."""
        return np.asarray(self.model.predict(self.preprocessor.transform(rows)), dtype=np.float32)


def register_pair(folder: Path, registry: str, seed: int, *, damaged: bool = False) -> Made:
    """Fit a small pair, another for each *seed*, and register both halves in one run, without the alias.

    The model of a *damaged* pair is a file that XGBoost cannot read.
    """
    draw = np.random.default_rng(seed)
    rows = pd.DataFrame(draw.normal(size=(300, len(COLUMNS))), columns=COLUMNS)
    rows = rows.mask(draw.random(rows.shape) < 0.05)
    pipeline = (
        make_pipeline(SimpleImputer(strategy="median"), StandardScaler()).set_output(transform="pandas").fit(rows)
    )
    matrix = pipeline.transform(rows)
    targets = np.stack(
        [seed + matrix.iloc[:, 0] * (1 + ahead) + matrix.iloc[:, LAGS] for ahead in range(HORIZON)], axis=1
    )
    model = xgboost.XGBRegressor(n_estimators=20, max_depth=3, n_jobs=1).fit(matrix, targets)
    save_sklearn(pipeline, folder / "preprocessor", infer_signature(rows, matrix))
    save_xgboost(model, folder / "model", infer_signature(matrix, model.predict(matrix)))
    loaded = mlflow.sklearn.load_model(str(folder / "preprocessor")), mlflow.pyfunc.load_model(str(folder / "model"))
    if damaged:
        for booster in (folder / "model").glob("model.*"):
            booster.write_bytes(b"no booster")
    return Made(*_log(folder, registry), *loaded)


def register_quantiles(folder: Path, registry: str, alias: str, quantiles: Sequence[float]) -> Made:
    """Fit a pair that forecasts *quantiles* of the next level from the last ones, and set the alias."""
    draw = np.random.default_rng(5)
    levels = [name for name in COLUMNS if name.startswith("level")]
    rows = pd.DataFrame(draw.normal(size=(600, LAGS)), columns=levels)
    pipeline = make_pipeline(StandardScaler()).set_output(transform="pandas").fit(rows)
    matrix = pipeline.transform(rows)
    following = matrix.iloc[:, 0] + draw.normal(size=len(rows))
    model = xgboost.XGBRegressor(
        objective="reg:quantileerror", quantile_alpha=np.array(quantiles), n_estimators=30, max_depth=3, n_jobs=1
    ).fit(matrix, following)
    save_sklearn(pipeline, folder / "preprocessor", infer_signature(rows, matrix))
    save_xgboost(model, folder / "model", infer_signature(matrix, model.predict(matrix)))
    versions, run_id = _log(folder, registry)
    client = MlflowClient(tracking_uri=registry, registry_uri=registry)
    for name, version in versions.items():
        client.set_registered_model_alias(name, alias, version)
    return Made(versions, run_id, pipeline, model)


def _log(folder: Path, registry: str) -> tuple[dict[str, str], str]:
    """Register the two trees of a folder in one run; returns their versions and the run's id."""
    client = MlflowClient(tracking_uri=registry, registry_uri=registry)
    run = client.create_run(client.get_experiment_by_name("sea").experiment_id).info
    versions = {}
    for name, tree in ((PREPROCESSOR, "preprocessor"), (MODEL, "model")):
        client.log_artifacts(run.run_id, str(folder / tree), tree)
        version = client.create_model_version(name, f"{run.artifact_uri}/{tree}", run_id=run.run_id).version
        versions[name] = str(version)
    return versions, run.run_id


def _fill(folder: Path, online: dict, at: datetime) -> Path:
    """Make the feature repository, and write three locations."""
    entity = location()
    sea = view("sea_windows", entity, {name: Array(Float64) for name in SERIES})
    repo = make_repo(folder, [entity, sea, FeatureService(name="sea", features=[sea])], online)
    repo.write("sea_windows", {each: windows(each) for each in (1, 2, 3)}, at)
    return folder
