"""The Open Inference Protocol over gRPC: message classes, method paths, and Message <-> protobuf."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

from twinpin.step.block import Block
from twinpin.step.datatypes import datatype_of, dtype_of, from_raw, reshaped, shape_of, text, to_raw
from twinpin.step.descriptors import message_class
from twinpin.step.errors import Malformed
from twinpin.step.raw import BLOCK, COLUMNS, joined, names_text, read_block
from twinpin.step.step import Message, Parameter, Parameters, Tensors

#: A protobuf message of the private pool; its fields are those of the published .proto file.
Proto: TypeAlias = Any

ServerLiveRequest = message_class("inference.ServerLiveRequest")
ServerLiveResponse = message_class("inference.ServerLiveResponse")
ServerReadyRequest = message_class("inference.ServerReadyRequest")
ServerReadyResponse = message_class("inference.ServerReadyResponse")
ModelReadyRequest = message_class("inference.ModelReadyRequest")
ModelReadyResponse = message_class("inference.ModelReadyResponse")
ServerMetadataRequest = message_class("inference.ServerMetadataRequest")
ServerMetadataResponse = message_class("inference.ServerMetadataResponse")
ModelMetadataRequest = message_class("inference.ModelMetadataRequest")
ModelMetadataResponse = message_class("inference.ModelMetadataResponse")
ModelInferRequest = message_class("inference.ModelInferRequest")
ModelInferResponse = message_class("inference.ModelInferResponse")

SERVICE = "inference.GRPCInferenceService"
SERVER_LIVE = f"/{SERVICE}/ServerLive"
SERVER_READY = f"/{SERVICE}/ServerReady"
SERVER_METADATA = f"/{SERVICE}/ServerMetadata"
MODEL_READY = f"/{SERVICE}/ModelReady"
MODEL_METADATA = f"/{SERVICE}/ModelMetadata"
MODEL_INFER = f"/{SERVICE}/ModelInfer"

#: Trailing metadata of a failed call: the status that REST would give, and the error document as JSON.
STATUS_KEY = "twinpin-status"
DOCUMENT_KEY = "twinpin-error-bin"
#: Metadata of a call: the caller reads a `Block` that comes as one tensor.
TOGETHER = ("twinpin-columns", "together")

_INT64_MAX = 2**63 - 1
#: Datatype -> the field of InferTensorContents that holds it; FP16 has none and travels raw.
_CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


def request_message(pb: Proto) -> Message:
    """Read a ModelInferRequest, with raw or typed contents. Raises Malformed."""
    return Message(
        tensors=_tensors(pb.inputs, pb.raw_input_contents),
        parameters=_parameters(pb.parameters),
        id=pb.id,
        requested=_requested(pb.outputs),
    )


def request_proto(message: Message, model_name: str, model_version: str = "", *, together: bool = False) -> Proto:
    """Write a ModelInferRequest with raw contents; *together*: a `Block` as one tensor, which our steps alone read."""
    pb = ModelInferRequest(model_name=model_name, model_version=model_version, id=message.id)
    _put_parameters(pb.parameters, message.parameters)
    _put_tensors(pb.inputs, pb.raw_input_contents, message.tensors, together=together)
    for name in message.requested:
        pb.outputs.add(name=name)
    return pb


def response_message(pb: Proto) -> Message:
    """Read a ModelInferResponse, with raw or typed contents. Raises Malformed."""
    return Message(
        tensors=_tensors(pb.outputs, pb.raw_output_contents),
        parameters=_parameters(pb.parameters),
        id=pb.id,
        version=pb.model_version,
    )


def response_proto(message: Message, model_name: str, *, together: bool = False) -> Proto:
    """Write a ModelInferResponse with raw contents; *together* as in `request_proto`."""
    pb = ModelInferResponse(model_name=model_name, model_version=message.version, id=message.id)
    _put_parameters(pb.parameters, message.parameters)
    _put_tensors(pb.outputs, pb.raw_output_contents, message.tensors, together=together)
    return pb


def _requested(outputs: Iterable[Proto]) -> tuple[str, ...]:
    """Name the outputs asked for, each once."""
    names = tuple(output.name for output in outputs)
    if len(set(names)) != len(names):
        raise Malformed("an output is asked for twice; name each once")
    return names


def _tensors(carried: Iterable[Proto], raw: Iterable[bytes]) -> Tensors:
    """Pair each tensor with its raw bytes, or read its typed contents: one way for all tensors of a message."""
    carried, raw = list(carried), list(raw)
    if raw and len(raw) != len(carried):
        raise Malformed(f"{len(carried)} tensors came with {len(raw)} raw contents; send one for each tensor")
    tensors: Tensors = {}
    together: Block | None = None
    for index, tensor in enumerate(carried):
        if not tensor.name or tensor.name in tensors:
            raise Malformed(f"tensor {tensor.name!r}: every tensor needs a name of its own")
        if raw and tensor.HasField("contents"):
            raise Malformed(f"tensor {tensor.name!r} has contents beside raw contents; send one of them")
        shape = shape_of(tensor.name, tuple(tensor.shape))
        if raw:
            values = from_raw(tensor.name, tensor.datatype, shape, raw[index])
        else:
            values = reshaped(tensor.name, _typed(tensor, math.prod(shape)), shape)
        if COLUMNS in tensor.parameters:
            together = read_block(tensor.parameters[COLUMNS].string_param, values)
        else:
            tensors[tensor.name] = values
    return tensors if together is None else joined(tensors, together)


def _typed(tensor: Proto, count: int) -> np.ndarray:
    """Read the typed contents of one tensor as a flat array."""
    dtype = dtype_of(tensor.name, tensor.datatype)
    field = _CONTENTS.get(tensor.datatype)
    if field is None:
        raise Malformed(f"tensor {tensor.name!r} is {tensor.datatype}, which travels only as raw contents")
    values = getattr(tensor.contents, field)
    if len(values) != count:
        raise Malformed(f"tensor {tensor.name!r} takes {count} values in {field} by its shape, but {len(values)} came")
    if tensor.datatype == "BYTES":
        array = np.empty(count, dtype=object)
        array[:] = [text(tensor.name, value) for value in values]
        return array
    try:
        return np.array(list(values), dtype=dtype)
    except OverflowError as error:  # 300 as an INT8, which int_contents can hold
        raise Malformed(f"tensor {tensor.name!r} holds a number that {tensor.datatype} cannot hold") from error


def _put_tensors(carried: Proto, raw: Proto, tensors: Tensors, *, together: bool) -> None:
    """Append each tensor and its bytes."""
    if together and isinstance(tensors, Block):
        block = carried.add(name=BLOCK, datatype=datatype_of(tensors.matrix), shape=tensors.matrix.shape)
        block.parameters[COLUMNS].string_param = names_text(tensors.names)
        raw.append(to_raw(tensors.matrix))
        return
    for name, array in tensors.items():
        carried.add(name=name, datatype=datatype_of(array), shape=array.shape)
        raw.append(to_raw(array))


def _parameters(given: Mapping[str, Proto]) -> Parameters:
    """Read parameters of any of the five kinds."""
    parameters: Parameters = {}
    for key, choice in given.items():
        kind = choice.WhichOneof("parameter_choice")
        if kind is None:
            raise Malformed(f"parameter {key!r} has no value of a known kind")
        value: Parameter = getattr(choice, kind)
        if isinstance(value, float) and not math.isfinite(value):
            raise Malformed(f"parameter {key!r} is {value}, which JSON cannot carry on; leave it out")
        parameters[key] = value
    return parameters


def _put_parameters(into: Proto, parameters: Parameters) -> None:
    """Write parameters, each in the field of its type."""
    for key, value in parameters.items():
        if isinstance(value, bool):
            into[key].bool_param = value
        elif isinstance(value, int):
            setattr(into[key], "int64_param" if value <= _INT64_MAX else "uint64_param", value)
        elif isinstance(value, float):
            into[key].double_param = value
        else:
            into[key].string_param = value
