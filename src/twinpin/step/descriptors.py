"""The messages of the Open Inference Protocol's gRPC form and of gRPC's health service, in a pool of their own.

kserve and tritonclient each register `inference.*` in protobuf's default pool and cannot live in one process. A private
pool clashes with neither, and spares the gateway the import of either. Field numbers are the published ones:
github.com/kserve/open-inference-protocol, open_inference_grpc.proto; github.com/grpc/grpc, health.proto.
"""

from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_TYPES = {
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "uint32": FieldDescriptorProto.TYPE_UINT32,
    "uint64": FieldDescriptorProto.TYPE_UINT64,
    "float": FieldDescriptorProto.TYPE_FLOAT,
    "double": FieldDescriptorProto.TYPE_DOUBLE,
    "string": FieldDescriptorProto.TYPE_STRING,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
}
_TENSOR = {"name": "string", "datatype": "string", "shape": "*int64"}
_CARRIED = {**_TENSOR, "parameters": "map:InferParameter", "contents": "InferTensorContents"}

#: Message -> its fields, numbered from 1 in this order. A star: repeated. "map:x": string -> x.
_INFERENCE: dict[str, dict[str, str]] = {
    "ServerLiveRequest": {},
    "ServerLiveResponse": {"live": "bool"},
    "ServerReadyRequest": {},
    "ServerReadyResponse": {"ready": "bool"},
    "ModelReadyRequest": {"name": "string", "version": "string"},
    "ModelReadyResponse": {"ready": "bool"},
    "ServerMetadataRequest": {},
    "ServerMetadataResponse": {"name": "string", "version": "string", "extensions": "*string"},
    "ModelMetadataRequest": {"name": "string", "version": "string"},
    "ModelMetadataResponse.TensorMetadata": _TENSOR,
    "ModelMetadataResponse": {
        "name": "string",
        "versions": "*string",
        "platform": "string",
        "inputs": "*ModelMetadataResponse.TensorMetadata",
        "outputs": "*ModelMetadataResponse.TensorMetadata",
        "properties": "map:string",
    },
    "ModelInferRequest.InferInputTensor": _CARRIED,
    "ModelInferRequest.InferRequestedOutputTensor": {"name": "string", "parameters": "map:InferParameter"},
    "ModelInferRequest": {
        "model_name": "string",
        "model_version": "string",
        "id": "string",
        "parameters": "map:InferParameter",
        "inputs": "*ModelInferRequest.InferInputTensor",
        "outputs": "*ModelInferRequest.InferRequestedOutputTensor",
        "raw_input_contents": "*bytes",
    },
    "ModelInferResponse.InferOutputTensor": _CARRIED,
    "ModelInferResponse": {
        "model_name": "string",
        "model_version": "string",
        "id": "string",
        "parameters": "map:InferParameter",
        "outputs": "*ModelInferResponse.InferOutputTensor",
        "raw_output_contents": "*bytes",
    },
    # Ours, for the same bytes: what a message holds in parts stays as it came (`twinpin.step.parts`).
    "SealedInferRequest": {
        "model_name": "string",
        "model_version": "string",
        "id": "string",
        "parameters": "*bytes",
        "inputs": "*bytes",
        "outputs": "*ModelInferRequest.InferRequestedOutputTensor",
        "raw_input_contents": "*bytes",
    },
    "SealedInferResponse": {
        "model_name": "string",
        "model_version": "string",
        "id": "string",
        "parameters": "*bytes",
        "outputs": "*bytes",
        "raw_output_contents": "*bytes",
    },
    "SealedParameter": {"key": "string", "value": "InferParameter"},
    "InferParameter": {
        "bool_param": "bool",
        "int64_param": "int64",
        "string_param": "string",
        "double_param": "double",
        "uint64_param": "uint64",
    },
    "InferTensorContents": {
        "bool_contents": "*bool",
        "int_contents": "*int32",
        "int64_contents": "*int64",
        "uint_contents": "*uint32",
        "uint64_contents": "*uint64",
        "fp32_contents": "*float",
        "fp64_contents": "*double",
        "bytes_contents": "*bytes",
    },
}
_ONE_OF = {"InferParameter": "parameter_choice"}
# An enum travels as an int32, so the status needs no type of its own.
_HEALTH: dict[str, dict[str, str]] = {
    "HealthCheckRequest": {"service": "string"},
    "HealthCheckResponse": {"status": "int32"},
}


def _field(message: DescriptorProto, package: str, name: str, kind: str) -> None:
    """Add the next field of *message*."""
    field = message.field.add(name=name, number=len(message.field) + 1)
    is_map, repeated = kind.startswith("map:"), kind.startswith(("map:", "*"))
    kind = kind.removeprefix("map:").removeprefix("*")
    field.label = FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL
    if is_map:
        field.type = FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = _entry(message, package, name, kind)
    elif kind in _TYPES:
        field.type = _TYPES[kind]
    else:
        field.type = FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = f".{package}.{kind}"


def _entry(message: DescriptorProto, package: str, field: str, kind: str) -> str:
    """Add the message that protobuf makes of a map's pairs to *message*, and return its name."""
    name = f"{field.title()}Entry"
    entry = message.nested_type.add(name=name)
    entry.options.map_entry = True
    _field(entry, package, "key", "string")
    _field(entry, package, "value", kind)
    return name


def _fill(message: DescriptorProto, package: str, fields: dict[str, str], one_of: str | None) -> None:
    """Give *message* its fields, all of them in one choice where *one_of* names it."""
    for name, kind in fields.items():
        _field(message, package, name, kind)
    if one_of is not None:
        message.oneof_decl.add(name=one_of)
        for field in message.field:
            field.oneof_index = 0


def _file(name: str, package: str, messages: dict[str, dict[str, str]]) -> FileDescriptorProto:
    """Describe a .proto file; a message whose name has a dot lies inside the one before the dot."""
    file = FileDescriptorProto(name=name, package=package, syntax="proto3")
    outer = {full: file.message_type.add(name=full) for full in messages if "." not in full}
    for full, fields in messages.items():
        parent, _, inner = full.rpartition(".")
        message = outer[parent].nested_type.add(name=inner) if parent else outer[full]
        _fill(message, package, fields, _ONE_OF.get(full))
    return file


_POOL = DescriptorPool()
_POOL.Add(_file("twinpin/open_inference.proto", "inference", _INFERENCE))
_POOL.Add(_file("twinpin/health.proto", "grpc.health.v1", _HEALTH))


def message_class(full_name: str) -> Any:
    """Return the class of one message, `inference.ModelInferRequest` for example."""
    return GetMessageClass(_POOL.FindMessageTypeByName(full_name))


def published_name(kind: Any) -> str:
    """Name the message of a class as the protocol does, be it ours for the same bytes."""
    name: str = kind.DESCRIPTOR.full_name
    return name.replace(".Sealed", ".Model")
