"""OpenAPI: the description of every path, made from the same limits and models that serve them."""

from typing import Any, TypeAlias

from twinpin.gateway import protocol_schemas, schemas
from twinpin.gateway.forecasts import Forecasts
from twinpin.version import __version__

Part: TypeAlias = dict[str, Any]

_ERRORS = {
    400: "The body is not what the schema says.",
    404: "No such model, version or feature store here.",
    409: "A step got a message of another pair's preprocessor; a defect of the deployment.",
    413: "More bytes, rows or entities than the limits allow.",
    422: "Well-formed, but no forecast exists for it: an unknown or stale entity, a time that is not stored.",
    429: "As many requests are being answered as the server takes; try again.",
    500: "A defect of the server or of the artifact; its log names the cause.",
    503: "A store or a step is down; try again.",
    504: "The time allowed for the request is over.",
}
_HEADERS: Part = {
    "x-request-id": {"schema": {"type": "string"}, "description": "The client's own id, or one made here."},
}
_PAIR_HEADERS: Part = {
    **_HEADERS,
    "x-twinpin-pair": {"schema": {"type": "string"}, "description": "The id of the pair that made the forecast."},
}
_RETRY: Part = {**_HEADERS, "retry-after": {"schema": {"type": "integer"}, "description": "Seconds."}}


def document(forecasts: Forecasts) -> Part:
    """Return the OpenAPI 3.1 document of one gateway."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Twinpin",
            "version": __version__,
            "description": "Forecasts from one pinned pair of preprocessor and model.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": {**_plain(), **_protocol(forecasts)},
        "components": {"schemas": {**schemas.schemas(forecasts.limits.max_rows), **protocol_schemas.schemas()}},
    }


def _plain() -> Part:
    """Describe the endpoints of our own."""
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
        "/health": {
            "get": _read("What can serve", "Health", also={503: _content("Nothing can be forecast.", "Health")})
        },
        "/metrics": {"get": _text("Metrics in the format that Prometheus asks for")},
        "/openapi.json": {"get": _read("This document")},
        "/": {"get": _text("The page", "text/html")},
        "/page/state": {"get": _read("What the page shows", "PageState")},
        "/page/history": {"get": _history()},
    }


def _history() -> Part:
    """Describe what the page's chart is drawn from."""
    entity = {
        "name": "entity",
        "in": "query",
        "schema": {"type": "string"},
        "description": "Default: the configured one.",
    }
    operation = _read("An entity's stored windows and its forecast", "PageHistory", also=_errors(*_ERRORS))
    return operation | {"parameters": [entity]}


def _protocol(forecasts: Forecasts) -> Part:
    """Describe the endpoints of the protocol."""
    paths: Part = {
        "/v2": {"get": _read("Server metadata", "ServerMetadata")},
        "/v2/health/live": {"get": _read("Whether the server runs")},
        "/v2/health/ready": {"get": _read("Whether forecasts can be made", also=_errors(503))},
    }
    for tail in ("", "/versions/{version}"):
        paths |= _model(f"/v2/models/{{model}}{tail}", _path_parameters(forecasts, versioned=bool(tail)))
    return paths


def _model(path: str, parameters: list[Part]) -> Part:
    """The three paths of one model."""
    infer = _ask("Infer by the protocol: columns, or one tensor of entities", "InferRequest", "InferResponse")
    return {
        path: {"parameters": parameters, "get": _read("Model metadata", "ModelMetadata", also=_errors(404))},
        f"{path}/ready": {"parameters": parameters, "get": _read("Whether it can serve", also=_errors(404, 503))},
        f"{path}/infer": {"parameters": parameters, "post": infer},
    }


def _path_parameters(forecasts: Forecasts, *, versioned: bool) -> list[Part]:
    """Describe the variable parts of a model's path."""
    model = {"name": "model", "in": "path", "required": True, "schema": {"type": "string", "enum": [forecasts.name]}}
    if not versioned:
        return [model]
    version: Part = {"name": "version", "in": "path", "required": True, "schema": {"type": "string"}}
    version["schema"] |= {"enum": list(forecasts.versions)} if forecasts.versions else {}
    version["description"] = "The model's version, or the pair's id."
    return [model, version]


def _ask(summary: str, request: str, *answers: str) -> Part:
    """A POST that forecasts."""
    references = [_reference(each) for each in answers]
    schema = references[0] if len(references) == 1 else {"anyOf": references}
    answer = {"description": "The forecast.", "headers": _PAIR_HEADERS, "content": _json(schema)}
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": _json(_reference(request))},
        "responses": {"200": answer, **_responses(_errors(*_ERRORS))},
    }


def _read(summary: str, schema: str | None = None, *, also: dict[int, Part] | None = None) -> Part:
    """A GET that answers JSON."""
    content = _json({"type": "object"} if schema is None else _reference(schema))
    return {
        "summary": summary,
        "responses": {"200": {"description": summary + ".", "content": content}, **_responses(also or {})},
    }


def _text(summary: str, media_type: str = "text/plain") -> Part:
    """Describe a GET that answers text."""
    content = {media_type: {"schema": {"type": "string"}}}
    return {"summary": summary, "responses": {"200": {"description": summary + ".", "content": content}}}


def _errors(*statuses: int) -> dict[int, Part]:
    """Describe the errors of some statuses."""
    return {status: _error(status) for status in statuses}


def _error(status: int) -> Part:
    """Describe the error of one status."""
    answer = _content(_ERRORS[status], "Missing" if status == 422 else "Error")  # noqa: PLR2004 -- names the entities
    return answer | {"headers": _RETRY if status in {429, 503} else _HEADERS}


def _content(description: str, schema: str) -> Part:
    """Describe an answer of one schema."""
    return {"description": description, "content": _json(_reference(schema))}


def _responses(by_status: dict[int, Part]) -> dict[str, Part]:
    """Key answers by status, as text."""
    return {str(status): answer for status, answer in by_status.items()}


def _json(schema: Part) -> Part:
    """Describe a JSON body."""
    return {"application/json": {"schema": schema}}


def _reference(name: str) -> Part:
    """Point to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}
