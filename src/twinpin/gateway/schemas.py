"""Schemas: the JSON that goes in and comes out of the plain endpoints, as JSON Schema 2020-12."""

from typing import Any, TypeAlias

from twinpin.step.protocol_schemas import MISSING

Schema: TypeAlias = dict[str, Any]

_NULLABLE_TEXT: Schema = {"type": ["string", "null"]}
_PARAMETERS: Schema = {
    "type": "object",
    "additionalProperties": {"type": ["string", "number", "boolean"]},
    "description": "Travels through the graph unchanged.",
}
_ID: Schema = {"type": "string", "description": "Echoed by the protocol's endpoints."}
_VALUE: Schema = {"type": ["number", "string", "boolean", "null"]}
_HORIZON: Schema = {"type": "array", "items": {"type": ["number", "null"]}, "minItems": 1}
_QUANTILES: Schema = {
    "type": "array",
    "items": {"type": "number"},
    "description": "What the values of each forecast are, of a model that forecasts quantiles.",
}
_ENTITY: Schema = {
    "anyOf": [
        {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
        {"type": "string"},
    ]
}


def _object(properties: dict[str, Schema], required: tuple[str, ...] = (), *, closed: bool = True) -> Schema:
    """Describe an object, by default one without other keys."""
    schema: Schema = {"type": "object", "properties": properties}
    schema |= {"required": list(required)} if required else {}
    return schema | ({"additionalProperties": False} if closed else {})


def _reference(name: str) -> Schema:
    """Point to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def _ids(most: int) -> Schema:
    """Describe a list of ids."""
    return {"type": "array", "items": _ENTITY, "minItems": 1, "maxItems": most}


def _entity_request(entities: Schema, required: tuple[str, ...] = ()) -> Schema:
    """Describe a request by entity."""
    return _object(
        {
            "entities": entities,
            "entity_key": {
                **_NULLABLE_TEXT,
                "description": "Name of the entity's column; default: the configured one.",
            },
            "time_point": {
                **_NULLABLE_TEXT,
                "description": 'What the forecast starts from: "now", or an ISO 8601 time (without a zone: UTC).',
                "examples": ["now", "2026-01-31T13:00:00Z"],
            },
            "partial": {
                "type": "boolean",
                "description": "true: leave out the entities that have no features and list them under missing.",
            },
            "id": _ID,
            "parameters": _PARAMETERS,
        },
        required,
    )


def schemas(most_rows: int) -> dict[str, Schema]:
    """Return every named schema of the plain endpoints; *most_rows*: the limit on rows and entities."""
    return {
        "PayloadRequest": _payload_request(most_rows),
        "EntityRequest": _entity_request({"anyOf": [_ids(most_rows), _ENTITY, {"type": "null"}]}),
        "BatchRequest": _entity_request({"anyOf": [_ids(most_rows), _ENTITY]}, ("entities",)),
        **_answers(),
        "Pair": _object(
            {"id": _NULLABLE_TEXT, "preprocessor_version": _NULLABLE_TEXT, "model_version": _NULLABLE_TEXT},
            ("id", "preprocessor_version", "model_version"),
        ),
        "Health": _health(),
        "PageState": {"type": "object", "required": ["status", "pair", "graph", "latency"]},
        "PageHistory": {"type": "object", "required": ["entity", "as_of", "resolution", "series", "forecast", "pair"]},
    }


def _payload_request(most_rows: int) -> Schema:
    """Describe a request that holds its columns."""
    column: Schema = {
        "type": "array",
        "items": {"anyOf": [_VALUE, {"type": "array", "items": _VALUE, "minItems": 1}]},
        "minItems": 1,
        "maxItems": most_rows,
        "description": "One value per row, or one window of values per row, oldest first; null is a missing value.",
    }
    data: Schema = {"type": "object", "additionalProperties": column, "minProperties": 1}
    return _object({"data": data, "id": _ID, "parameters": _PARAMETERS}, ("data",))


def _answers() -> dict[str, Schema]:
    """Describe the three shapes of a forecast."""
    told = {"quantiles": _QUANTILES, "pair": _reference("Pair")}
    one = {"prediction": _HORIZON, "as_of": _NULLABLE_TEXT, "missing": MISSING, **told}
    several = {
        "predictions": {"type": "object", "additionalProperties": _HORIZON},
        "as_of": {"type": "object", "additionalProperties": _NULLABLE_TEXT},
        "missing": MISSING,
        **told,
    }
    rows: Schema = {"anyOf": [_HORIZON, {"type": "array", "items": _HORIZON, "minItems": 2}]}
    return {
        "PayloadForecast": _object({"prediction": rows, **told}, ("prediction", "pair")),
        "EntityForecast": _object(one, ("prediction", "as_of", "pair")),
        "EntityForecasts": _object(several, ("predictions", "as_of", "pair")),
    }


def _health() -> Schema:
    """Describe what /health answers."""
    return _object(
        {
            "status": {"enum": ["ok", "degraded", "down"]},
            "model_loaded": {"type": "boolean"},
            "feast_available": {"type": "boolean"},
            "pair": {"anyOf": [_reference("Pair"), {"type": "null"}]},
        },
        ("status", "model_loaded", "feast_available", "pair"),
    )
