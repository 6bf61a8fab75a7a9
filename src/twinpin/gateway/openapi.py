"""OpenAPI: the description of every path, made from the same limits and models that serve them."""

from twinpin.gateway import schemas
from twinpin.gateway.forecasts import Forecasts
from twinpin.gateway.timeseries import schemas as timeseries
from twinpin.step import openapi, protocol_schemas
from twinpin.step.openapi import Part

_HEADERS: Part = {
    "x-request-id": {"schema": {"type": "string"}, "description": "The client's own id, or one made here."},
}
_PAIR_HEADERS: Part = {
    **_HEADERS,
    "x-twinpin-pair": {"schema": {"type": "string"}, "description": "The id of the pair that made the forecast."},
}


def document(forecasts: Forecasts) -> Part:
    """Return the OpenAPI 3.1 document of one gateway."""
    return openapi.described(
        "Forecasts from one pinned pair of preprocessor and model.",
        {**_plain(), **openapi.protocol([forecasts], _HEADERS), **_series()},
        {
            **schemas.schemas(forecasts.limits.max_rows),
            **timeseries.schemas(forecasts.limits.max_rows),
            **protocol_schemas.schemas(),
        },
    )


def _plain() -> Part:
    """Describe the endpoints of our own."""
    down = {"503": openapi.content("Nothing can be forecast.", "Health")}
    return {
        "/predict": {"post": _ask("Forecast from columns that the request holds", "PayloadRequest", "PayloadForecast")},
        "/predict/feast": {
            "post": _ask(
                "Forecast for one entity, several, or the default one",
                "EntityRequest",
                "EntityForecast",
                "EntityForecasts",
            )
        },
        "/predict/feast/batch": {
            "post": _ask("Forecast for entities, from one query of the store", "BatchRequest", "EntityForecasts")
        },
        "/health": {"get": openapi.read("What can serve", "Health", also=down)},
        **openapi.reading("/metrics", "Metrics in the format that Prometheus asks for"),
        "/openapi.json": {"get": openapi.read("This document")},
        **openapi.reading("/", "The page", "text/html"),
        "/page/state": {"get": openapi.read("What the page shows", "PageState")},
        "/page/history": {"get": _history()},
    }


def _series() -> Part:
    """Describe KServe's time-series API."""
    asked = _ask("Forecast series, by KServe's time-series API", "ForecastRequest", "ForecastResponse")
    return {
        "/v1/timeseries/forecast": {"post": asked},
        "/v1/timeseries/models": {"get": openapi.read("The models that forecast series", "SeriesModels")},
    }


def _ask(summary: str, request: str, *answers: str) -> Part:
    """A POST that forecasts."""
    operation = openapi.ask(summary, request, *answers, headers=_PAIR_HEADERS)
    return operation | {"parameters": [openapi.TIMEOUT]}


def _history() -> Part:
    """Describe what the page's chart is drawn from."""
    entity = {
        "name": "entity",
        "in": "query",
        "schema": {"type": "string"},
        "description": "Default: the configured one.",
    }
    operation = openapi.read(
        "An entity's stored windows and its forecast", "PageHistory", also=openapi.errors(*openapi.ERRORS)
    )
    return operation | {"parameters": [entity]}
