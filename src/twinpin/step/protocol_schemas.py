"""Protocol schemas: what the Open Inference Protocol's REST paths take and answer, as JSON Schema 2020-12.

The protocol: https://github.com/kserve/open-inference-protocol. Where it calls a part of a request optional, null
stands for its absence too: clients that write their objects from typed records send it.
"""

from typing import Any, TypeAlias

from twinpin.step.datatypes import MAX_DIMENSIONS, NUMPY
from twinpin.step.plain import MAX_NAME

Schema: TypeAlias = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NAME: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_NAME}
_PARAMETERS: Schema = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
_GIVEN_PARAMETERS: Schema = _PARAMETERS | {"type": ["object", "null"]}
_SHAPE: Schema = {"type": "array", "items": {"type": "integer", "minimum": 0}, "maxItems": MAX_DIMENSIONS}
_DATATYPE: Schema = {"enum": list(NUMPY)}
_DATA: Schema = {
    "type": "array",
    "description": "Row by row, flat or nested as the shape says; null in floating point data is NaN.",
}
#: Entities that have no answer, in errors and in answers that leave some out.
MISSING: Schema = {
    "type": "object",
    "additionalProperties": {"type": "string"},
    "description": "Entities without a forecast, and why: unknown, stale, null, before_window, after_newest.",
}
# A size that is not known before the request is -1.
_DECLARED_SHAPE: Schema = {"type": "array", "items": {"type": "integer", "minimum": -1}}


def _object(properties: dict[str, Schema], required: tuple[str, ...]) -> Schema:
    """Describe an open object: the protocol allows keys of extensions."""
    return {"type": "object", "properties": properties, "required": list(required)}


def _list_of(name: str) -> Schema:
    """Describe a list of a named schema."""
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


def schemas() -> dict[str, Schema]:
    """Return every named schema of the protocol's endpoints and of errors."""
    return {**_request(), **_answer(), **_metadata(), **_errors()}


def _request() -> dict[str, Schema]:
    """Describe what is asked."""
    tensor = {"name": _NAME, "shape": _SHAPE, "datatype": _DATATYPE, "parameters": _GIVEN_PARAMETERS, "data": _DATA}
    return {
        "InferRequest": _object(
            {
                "id": {"type": ["string", "null"]},
                "parameters": _GIVEN_PARAMETERS,
                "inputs": _list_of("InputTensor"),
                "outputs": _list_of("RequestedOutput") | {"type": ["array", "null"]},
            },
            ("inputs",),
        ),
        "InputTensor": _object(tensor, ("name", "shape", "datatype", "data")),
        "RequestedOutput": _object({"name": _NAME, "parameters": _GIVEN_PARAMETERS}, ("name",)),
    }


def _answer() -> dict[str, Schema]:
    """Describe what is answered."""
    tensor = {"name": _TEXT, "shape": _SHAPE, "datatype": _DATATYPE, "parameters": _PARAMETERS, "data": _DATA}
    return {
        "InferResponse": _object(
            {
                "model_name": _TEXT,
                "model_version": _TEXT,
                "id": _TEXT,
                "parameters": _PARAMETERS,
                "outputs": _list_of("OutputTensor"),
            },
            ("model_name", "outputs"),
        ),
        "OutputTensor": _object(tensor, ("name", "shape", "datatype", "data")),
    }


def _metadata() -> dict[str, Schema]:
    """Describe what server and model say of themselves."""
    return {
        "ServerMetadata": _object(
            {"name": _TEXT, "version": _TEXT, "extensions": {"type": "array", "items": _TEXT}},
            ("name", "version", "extensions"),
        ),
        "ModelList": _object({"models": {"type": "array", "items": _TEXT}}, ("models",)),
        "ModelMetadata": _object(
            {
                "name": _TEXT,
                "versions": {"type": "array", "items": _TEXT},
                "platform": _TEXT,
                "inputs": _list_of("TensorMetadata"),
                "outputs": _list_of("TensorMetadata"),
            },
            ("name", "platform", "inputs", "outputs"),
        ),
        "TensorMetadata": _object(
            {"name": _TEXT, "datatype": _DATATYPE, "shape": _DECLARED_SHAPE}, ("name", "datatype", "shape")
        ),
        "ModelReady": _object({"name": _TEXT, "ready": {"const": True}}, ("name", "ready")),
        "ServerReady": _object({"ready": {"const": True}}, ("ready",)),
        "ServerLive": _object({"live": {"const": True}}, ("live",)),
    }


def _errors() -> dict[str, Schema]:
    """Describe what went wrong, in the protocol's one shape."""
    error: Schema = {"error": {"type": "string", "description": "A sentence that says what to do."}}
    closed: Schema = {"type": "object", "required": ["error"], "additionalProperties": False}
    return {"Error": closed | {"properties": error}, "Missing": closed | {"properties": error | {"missing": MISSING}}}
