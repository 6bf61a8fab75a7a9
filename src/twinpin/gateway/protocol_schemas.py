"""Protocol schemas: the Open Inference Protocol over REST, as the graph's model speaks it.

The protocol: https://github.com/kserve/open-inference-protocol.
"""

from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]

DATATYPES = (
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES",
)  # fmt: skip

_TEXT: Schema = {"type": "string"}
_PARAMETERS: Schema = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
_SHAPE: Schema = {"type": "array", "items": {"type": "integer"}}


def _object(properties: dict[str, Schema], required: tuple[str, ...]) -> Schema:
    """Describe an open object: the protocol allows keys of extensions."""
    return {"type": "object", "properties": properties, "required": list(required)}


def _list_of(name: str) -> Schema:
    """Describe a list of a named schema."""
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


def schemas() -> dict[str, Schema]:
    """Return every named schema of the protocol's endpoints."""
    tensor = {"name": _TEXT, "shape": _SHAPE, "datatype": {"enum": list(DATATYPES)}, "parameters": _PARAMETERS}
    return {
        "InferRequest": _object(
            {
                "id": _TEXT,
                "parameters": _PARAMETERS,
                "inputs": {**_list_of("InputTensor"), "minItems": 1},
                "outputs": _list_of("RequestedOutput"),
            },
            ("inputs",),
        ),
        "InputTensor": _object({**tensor, "data": {"type": "array"}}, ("name", "shape", "datatype", "data")),
        "RequestedOutput": _object({"name": _TEXT, "parameters": _PARAMETERS}, ("name",)),
        "OutputTensor": _object({**tensor, "data": {"type": "array"}}, ("name", "shape", "datatype")),
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
        "TensorMetadata": _object({"name": _TEXT, "datatype": _TEXT, "shape": _SHAPE}, ("name", "datatype", "shape")),
        "ServerMetadata": _object(
            {"name": _TEXT, "version": _TEXT, "extensions": {"type": "array", "items": _TEXT}},
            ("name", "version", "extensions"),
        ),
    }
