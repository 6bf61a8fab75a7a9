"""Schemas of the time-series API, as JSON Schema 2020-12; its objects are open, as KServe's are."""

from typing import Any, TypeAlias

from twinpin.gateway.timeseries.frequency import NAMES
from twinpin.gateway.timeseries.request import MULTIVARIATE, UNIVARIATE

Schema: TypeAlias = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_WHOLE: Schema = {"type": "integer"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_TYPE: Schema = {"enum": [UNIVARIATE, MULTIVARIATE], "description": f"A model here forecasts {UNIVARIATE} alone."}
_VALUES: Schema = {"type": "array", "items": {"type": ["number", "null"]}}
_OF_COVARIATE: Schema = {"type": ["number", "string", "boolean", "null"]}
_COVARIATES: Schema = {
    "type": ["object", "null"],
    "additionalProperties": {"anyOf": [_OF_COVARIATE, {"type": "array", "items": _OF_COVARIATE}]},
    "description": "The model's other columns: one value, or a window of values, oldest first. Without them they come "
    "from the feature store, for the entity that the series is named for.",
}
_QUANTILE: Schema = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}


def schemas(most_series: int) -> dict[str, Schema]:
    """Return every named schema of the API; *most_series*: the limit on series in one request."""
    return {**_request(most_series), **_answer()}


def _open(properties: dict[str, Schema], required: tuple[str, ...]) -> Schema:
    """Describe an object that may have other keys."""
    return {"type": "object", "properties": properties, "required": list(required)}


def _list_of(name: str) -> Schema:
    """Describe a list of a named schema."""
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}, "minItems": 1}


def _request(most_series: int) -> dict[str, Schema]:
    """Describe what is asked."""
    inputs = _list_of("TimeSeriesInput") | {"maxItems": most_series}
    options = {"horizon": _WHOLE | {"minimum": 1}, "quantiles": {"type": ["array", "null"], "items": _QUANTILE}}
    return {
        "ForecastRequest": _open(
            {
                "model": _TEXT,
                "inputs": inputs,
                "options": _open(options, ("horizon",)),
                "metadata": {"type": ["object", "null"], "description": "The client's own; nothing reads it."},
            },
            ("model", "inputs", "options"),
        ),
        "TimeSeriesInput": _open(
            {
                "type": _TYPE,
                "name": _TEXT | {"description": "Any name; the entity, where columns come from the feature store."},
                "series": {
                    "type": "array",
                    "items": {"type": ["number", "null", "array"]},
                    "description": "Values, the oldest first; null is a missing one. Empty: those of the store.",
                },
                "frequency": {"enum": list(NAMES)},
                "start_timestamp": {
                    "type": ["string", "null"],
                    "description": "ISO 8601 time of the first value (without a zone: UTC). Needed without a store.",
                },
                "covariates": _COVARIATES,
            },
            ("type", "name", "series", "frequency"),
        ),
    }


def _answer() -> dict[str, Schema]:
    """Describe what is answered."""
    quantiles: Schema = {"type": ["object", "null"], "additionalProperties": _VALUES}
    usage = dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens"), _COUNT)
    status: Schema = {"const": "completed"}
    return {
        "ForecastResponse": _open(
            {
                "id": _TEXT,
                "created_at": _WHOLE | {"description": "Seconds since 1970."},
                "status": status,
                "error": {"type": "null"},
                "model": _TEXT,
                "outputs": _list_of("ForecastOutput"),
                "usage": _open(usage, tuple(usage)) | {"description": "Values that came, and values forecast."},
                "pair": {"$ref": "#/components/schemas/Pair"},
            },
            ("id", "created_at", "status", "model", "outputs", "pair"),
        ),
        "ForecastOutput": _open(
            {
                "type": {"const": "time_series_forecast"},
                "id": _TEXT,
                "status": status,
                "content": _list_of("TimeSeriesForecast"),
                "error": {"type": "null"},
            },
            ("type", "id", "status", "content"),
        ),
        "TimeSeriesForecast": _open(
            {
                "type": {"const": UNIVARIATE},
                "name": _TEXT,
                "mean_forecast": _VALUES | {"description": "The median, of a model that forecasts quantiles."},
                "frequency": {"enum": list(NAMES)},
                "start_timestamp": _TEXT | {"description": "Time of the first value."},
                "quantiles": quantiles,
            },
            ("type", "name", "mean_forecast", "frequency", "start_timestamp"),
        ),
        "SeriesModels": {"type": "array", "items": _TEXT},
    }
