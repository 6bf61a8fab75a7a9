"""Weather windows: one array per series and location, oldest value first, newest last."""

from datetime import timedelta

from feast import Entity, FeatureService, FeatureView, Field, FileSource
from feast.types import Array, Float64
from feast.value_type import ValueType

location = Entity(name="location", join_keys=["location_id"], value_type=ValueType.INT64, description="An airport.")

#: Rows: location_id, event_timestamp (hour of the newest value), and the arrays.
weather_source = FileSource(
    name="weather_source",
    path="data/weather_window.parquet",
    timestamp_field="event_timestamp",
)

#: 672 hourly values each, so that any hour of the last 27 days is served from the same read.
weather_window = FeatureView(
    name="weather_window",
    entities=[location],
    ttl=timedelta(hours=3),
    schema=[
        Field(name="temp", dtype=Array(Float64), description="Temperature, °F"),
        Field(name="dewp", dtype=Array(Float64), description="Dew point, °F"),
        Field(name="humid", dtype=Array(Float64), description="Relative humidity, %"),
        Field(name="wind_east", dtype=Array(Float64), description="Wind towards the east, mph"),
        Field(name="wind_north", dtype=Array(Float64), description="Wind towards the north, mph"),
        Field(name="pressure", dtype=Array(Float64), description="Sea level pressure, hPa"),
        Field(name="visib", dtype=Array(Float64), description="Visibility, miles"),
        Field(name="hour", dtype=Array(Float64), description="Hour of the day, UTC"),
    ],
    source=weather_source,
    online=True,
)

forecast_features = FeatureService(name="forecast_features", features=[weather_window])
