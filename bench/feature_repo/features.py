"""The feature repository of the benchmark: six windows per location, as arrays."""

from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.types import Array, Float64

SERIES = ["temp", "dewp", "humid", "wind_speed", "pressure", "visib"]

location = Entity(name="location", join_keys=["location_id"], value_type=ValueType.INT64)
weather = FeatureView(
    name="weather",
    entities=[location],
    schema=[Field(name=name, dtype=Array(Float64)) for name in SERIES],
    source=FileSource(path="unused.parquet", timestamp_field="event_timestamp"),
)
forecast_features = FeatureService(name="forecast_features", features=[weather])
