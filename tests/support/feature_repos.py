"""Real Feast repositories: windows, scalars, on-demand features, integer and text keys, on any online store."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, RequestSource, ValueType
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Array, Bool, Float32, Float64, Int64, String, UnixTimestamp

from twinpin.step.step import Answer

HOUR = timedelta(hours=1)
KEY = "location_id"


@cache
def this_hour() -> datetime:
    """The last full hour, which a fresh row is of; one for all tests of a run, which may go on past the hour."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def sqlite(folder: Path) -> dict[str, Any]:
    """Describe a SQLite online store."""
    return {"type": "sqlite", "path": str(folder / "online.db")}


@dataclass
class Repo:
    """A repository in *folder* that was applied, with Feast's own way to write rows into it."""

    folder: Path
    feast: FeatureStore

    def write(self, view: str, rows: Mapping[Any, Mapping[str, Any]], at: datetime | None = None) -> None:
        """Store one row per entity, all of the event time *at* (default: this hour)."""
        frame = pd.DataFrame(list(rows.values()))
        frame.insert(0, KEY, list(rows))
        frame["event_timestamp"] = at or this_hour()
        self.feast.write_to_online_store(view, frame)


def make_repo(
    folder: Path,
    objects: Iterable[Any],
    online: Mapping[str, Any] | None = None,
    registry: str | Mapping[str, Any] = "registry.db",
) -> Repo:
    """Write feature_store.yaml with relative paths and apply *objects*."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "project": "weather",
        "provider": "local",
        "registry": registry if isinstance(registry, str) else dict(registry),
        "online_store": dict(online) if online else {"type": "sqlite", "path": "online.db"},
        "offline_store": {"type": "file"},
        "entity_key_serialization_version": 3,
    }
    (folder / "feature_store.yaml").write_text(yaml.safe_dump(document))
    feast = FeatureStore(repo_path=str(folder))
    feast.apply(list(objects))
    return Repo(folder, feast)


def location(value_type: ValueType = ValueType.INT64) -> Entity:
    """The entity that every view here is keyed by."""
    return Entity(name="location", join_keys=[KEY], value_type=value_type)


def view(name: str, entity: Entity, features: Mapping[str, Any], ttl: timedelta = timedelta(0)) -> FeatureView:
    """One stored view; its offline source is never read."""
    key = Field(name=KEY, dtype=String if entity.value_type == ValueType.STRING else Int64)
    fields = [Field(name=feature, dtype=dtype) for feature, dtype in features.items()]
    source = FileSource(name=f"{name}_source", path="never-read.parquet", timestamp_field="event_timestamp")
    return FeatureView(name=name, entities=[entity], ttl=ttl, schema=[key, *fields], source=source)


def window_repo(
    folder: Path,
    online: Mapping[str, Any] | None = None,
    *,
    key: ValueType = ValueType.INT64,
    ttl: timedelta = timedelta(0),
) -> Repo:
    """Two views of windows: `weather` (temp, humid) and `air` (pressure); service `forecast_features`."""
    entity = location(key)
    weather = view("weather", entity, {"temp": Array(Float64), "humid": Array(Float64)}, ttl)
    air = view("air", entity, {"pressure": Array(Float64)}, ttl)
    service = FeatureService(name="forecast_features", features=[weather, air])
    return make_repo(folder, [entity, weather, air, service], online)


def series(entity: Any, length: int = 48) -> np.ndarray:
    """The stored temp of one location: 1000 times its id, rising by 1 an hour."""
    return 1000.0 * int(entity) + np.arange(length)


def fill_windows(repo: Repo, ids: Iterable[Any] = (1, 2, 3), *, length: int = 48, at: datetime | None = None) -> None:
    """Store a window of each feature: humid is temp + 0.1, pressure is temp + 0.2."""
    temps = {each: series(each, length) for each in ids}
    repo.write("weather", {each: {"temp": temp, "humid": temp + 0.1} for each, temp in temps.items()}, at)
    repo.write("air", {each: {"pressure": temp + 0.2} for each, temp in temps.items()}, at)


def told(answer: Answer, parameter: str) -> Any:
    """Read a parameter that travels as JSON text."""
    return json.loads(answer.parameters[parameter])


def written(moment: datetime) -> str:
    """Write a time as answers do."""
    return moment.isoformat().replace("+00:00", "Z")


def scalar_repo(folder: Path, online: Mapping[str, Any] | None = None, *, lags: int = 12) -> Repo:
    """One view of scalars, `readings`: float lags, an integer, a truth value, a text, a time."""
    entity = location()
    features: dict[str, Any] = {f"temp_lag_{lag:02}": Float64 for lag in range(lags)}
    features |= {"gust": Float32, "station": Int64, "coastal": Bool, "sky": String, "serviced": UnixTimestamp}
    readings = view("readings", entity, features)
    service = FeatureService(name="forecast_features", features=[readings])
    return make_repo(folder, [entity, readings, service], online)


def scalar_row(value: float = 1.0, *, lags: int = 12) -> dict[str, Any]:
    """A row of `readings` whose lag k is value + k."""
    row: dict[str, Any] = {f"temp_lag_{lag:02}": value + lag for lag in range(lags)}
    serviced = datetime(2026, 1, 1, tzinfo=UTC)
    return row | {"gust": value / 2, "station": int(value), "coastal": True, "sky": "clear", "serviced": serviced}


def on_demand_repo(folder: Path, online: Mapping[str, Any] | None = None, *, with_source: bool = True) -> Repo:
    """A stored scalar `altitude` of view `site`, and `felt` computed of it and the request's `offset`."""
    entity = location()
    site = view("site", entity, {"altitude": Float64})
    asked = RequestSource(name="asked", schema=[Field(name="offset", dtype=Float64)])

    @on_demand_feature_view(sources=[site, asked], schema=[Field(name="felt", dtype=Float64)])
    def comfort(inputs: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"felt": inputs["altitude"] * 2 + inputs["offset"]})

    service = FeatureService(name="forecast_features", features=[site, comfort] if with_source else [comfort])
    return make_repo(folder, [entity, site, comfort, service], online)
