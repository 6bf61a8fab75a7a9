"""Filling: the windows of the replayed weather, written to Feast's online store."""

import importlib.util
import shutil
import warnings
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import pandas as pd
import yaml

from demo_forecast.weather import COLUMNS, Weather

#: Hours of each window: 27 days to go back to, and 24 hours for the earliest of them.
HOURS = 672
SERVICE = "forecast_features"
ENTITY_KEY = "location_id"
VIEW = "weather_window"

_DEFINITIONS = Path(__file__).with_name("features_repo")


def windows(weather: Weather) -> pd.DataFrame:
    """One row per location: its newest 672 values of each series, and the hour of the newest."""
    return pd.DataFrame(
        {
            ENTITY_KEY: number,
            "event_timestamp": series.index[-1],
            **{column: series[column].to_numpy()[-HOURS:] for column in COLUMNS},
        }
        for number, series in weather.items()
    )


def make_repository(folder: Path, redis: str | None) -> None:
    """Copy the definitions to *folder* and register them; a second time changes nothing."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for source in _DEFINITIONS.iterdir():
        if source.is_file():
            shutil.copy(source, folder / source.name)
    if redis is not None:
        _use_redis(folder / "feature_store.yaml", redis)


def fill(folder: Path, weather: Weather) -> pd.Timestamp:
    """Write the newest windows to the offline file and to the online store; gives the hour of the newest row."""
    frame = windows(weather)
    frame.to_parquet(folder / "data" / f"{VIEW}.parquet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Feast's own, about its next major version
        # 4 s, and through the product's own door: Feast's leaves variables behind that the server would inherit.
        from twinpin.features.sdk import FeatureStore  # noqa: PLC0415

        store = FeatureStore(repo_path=str(folder))
        definitions = _definitions(folder)
        store.apply([definitions.location, definitions.weather_window, definitions.forecast_features])
        store.write_to_online_store(VIEW, df=frame)
    newest: pd.Timestamp = frame["event_timestamp"].min()
    return newest


def connection_string(url: str) -> str:
    """Write a redis:// or rediss:// URL the way Feast takes it; `host:port` is taken as it is."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    options = {
        "db": parts.path.strip("/"),
        "username": parts.username,
        "password": parts.password,
        "ssl": "true" if parts.scheme == "rediss" else "",
    }
    said = [f"{name}={value}" for name, value in options.items() if value]
    return ",".join([f"{parts.hostname}:{parts.port or 6379}", *said])


def _use_redis(file: Path, url: str) -> None:
    """Put Redis in place of the embedded online store."""
    document = yaml.safe_load(file.read_text())
    document["online_store"] = {"type": "redis", "connection_string": connection_string(url)}
    file.write_text(yaml.safe_dump(document, sort_keys=False))
    file.chmod(0o600)  # the URL may hold a password


def _definitions(folder: Path) -> ModuleType:
    """Import the repository's module from where it lies, as `feast apply` does."""
    spec = importlib.util.spec_from_file_location(VIEW, folder / f"{VIEW}.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(folder / f"{VIEW}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
