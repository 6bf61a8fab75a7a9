"""The feature repository of the benchmark: the same rows twice, as six windows and as 144 numbers per location."""

from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.types import Array, Float32, Float64

SERIES = ["temp", "dewp", "humid", "wind_speed", "pressure", "visib"]
LAGS = [f"{name}_lag_{lag:02d}" for name in SERIES for lag in range(24)]

location = Entity(name="location", join_keys=["location_id"], value_type=ValueType.INT64)
source = FileSource(path="unused.parquet", timestamp_field="event_timestamp")
windows = FeatureView(
    name="weather",
    entities=[location],
    schema=[Field(name=name, dtype=Array(Float64)) for name in SERIES],
    source=source,
)
scalars = FeatureView(
    name="weather_scalars",
    entities=[location],
    schema=[Field(name=name, dtype=Float32) for name in LAGS],
    source=source,
)
forecast_features = FeatureService(name="forecast_features", features=[windows])
scalar_features = FeatureService(name="scalar_features", features=[scalars])
