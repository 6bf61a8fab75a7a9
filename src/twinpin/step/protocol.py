"""The Open Inference Protocol over gRPC: message classes, method paths, and Message <-> protobuf."""

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from twinpin.step.block import Block
from twinpin.step.datatypes import datatype_of, from_raw, reshaped, text, to_raw
from twinpin.step.descriptors import message_class
from twinpin.step.errors import Malformed
from twinpin.step.parts import Description, read_parameter, read_tensor, write_parameter, write_tensor
from twinpin.step.raw import BLOCK, joined, names_text, read_block
from twinpin.step.step import Message, Tensors

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
#: The same two on the wire; their parts are read when somebody needs them.
SealedRequest = message_class("inference.SealedInferRequest")
SealedResponse = message_class("inference.SealedInferResponse")

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


def request_message(sealed: Proto) -> Message:
    """Read a request, with raw or typed contents. Raises Malformed."""
    return Message(
        tensors=_tensors(sealed.inputs, sealed.raw_input_contents),
        parameters=dict(map(read_parameter, sealed.parameters)),
        id=sealed.id,
        requested=_requested(sealed.outputs),
    )


def request_proto(message: Message, model_name: str, model_version: str = "", *, together: bool = False) -> Proto:
    """Write a request with raw contents; *together*: a `Block` as one tensor, which our steps alone read."""
    inputs, raw = _written(message.tensors, together=together)
    sealed = SealedRequest(
        model_name=model_name,
        model_version=model_version,
        id=message.id,
        parameters=itertools.starmap(write_parameter, message.parameters.items()),
        inputs=inputs,
        raw_input_contents=raw,
    )
    for name in message.requested:
        sealed.outputs.add(name=name)
    return sealed


def response_message(sealed: Proto) -> Message:
    """Read a response, with raw or typed contents. Raises Malformed."""
    return Message(
        tensors=_tensors(sealed.outputs, sealed.raw_output_contents),
        parameters=dict(map(read_parameter, sealed.parameters)),
        id=sealed.id,
        version=sealed.model_version,
    )


def response_proto(message: Message, model_name: str, *, together: bool = False) -> Proto:
    """Write a response with raw contents; *together* as in `request_proto`."""
    outputs, raw = _written(message.tensors, together=together)
    return SealedResponse(
        model_name=model_name,
        model_version=message.version,
        id=message.id,
        parameters=itertools.starmap(write_parameter, message.parameters.items()),
        outputs=outputs,
        raw_output_contents=raw,
    )


def forwarded(response: Proto, model_name: str, model_version: str = "") -> Proto:
    """Make the next step's request of a response, unopened: both describe their tensors in the same way."""
    return SealedRequest(
        model_name=model_name,
        model_version=model_version,
        id=response.id,
        parameters=response.parameters,
        inputs=response.outputs,
        raw_input_contents=response.raw_output_contents,
    )


def _requested(outputs: Iterable[Proto]) -> tuple[str, ...]:
    """Name the outputs asked for, each once."""
    names = tuple(output.name for output in outputs)
    if len(set(names)) != len(names):
        raise Malformed("an output is asked for twice; name each once")
    return names


def _tensors(parts: Sequence[bytes], raw: Sequence[bytes]) -> Tensors:
    """Pair each tensor with its raw bytes, or read its typed contents: one way for all tensors of a message."""
    if raw and len(raw) != len(parts):
        raise Malformed(f"{len(parts)} tensors came with {len(raw)} raw contents; send one for each tensor")
    tensors: Tensors = {}
    together: Block | None = None
    for part, blob in zip(parts, raw or itertools.repeat(None)):  # noqa: B905 -- of one length, or without an end
        tensor = read_tensor(part)
        if not tensor.name or tensor.name in tensors:
            raise Malformed(f"tensor {tensor.name!r}: every tensor needs a name of its own")
        values = _typed(tensor) if blob is None else _raw(tensor, blob)
        if tensor.columns is None:
            tensors[tensor.name] = values
        else:
            together = read_block(tensor.columns, values)
    return tensors if together is None else joined(tensors, together)


def _raw(tensor: Description, blob: bytes) -> np.ndarray:
    """Read a tensor from its raw contents."""
    if tensor.contents is not None:
        raise Malformed(f"tensor {tensor.name!r} has contents beside raw contents; send one of them")
    if tensor.size and tensor.size == len(blob):
        return np.frombuffer(blob, tensor.dtype).reshape(tensor.shape)
    return from_raw(tensor.name, tensor.datatype, tensor.shape, blob)


def _typed(tensor: Description) -> np.ndarray:
    """Read a tensor from its typed contents."""
    field = _CONTENTS.get(tensor.datatype)
    if field is None:
        raise Malformed(f"tensor {tensor.name!r} is {tensor.datatype}, which travels only as raw contents")
    count = math.prod(tensor.shape)
    values = () if tensor.contents is None else getattr(tensor.contents, field)
    if len(values) != count:
        raise Malformed(f"tensor {tensor.name!r} takes {count} values in {field} by its shape, but {len(values)} came")
    return reshaped(tensor.name, _flat(tensor, values), tensor.shape)


def _flat(tensor: Description, values: Sequence[Any]) -> np.ndarray:
    """Make an array `[n]` of typed contents."""
    if tensor.datatype == "BYTES":
        array = np.empty(len(values), dtype=object)
        array[:] = [text(tensor.name, value) for value in values]
        return array
    try:
        return np.array(list(values), dtype=tensor.dtype)
    except OverflowError as error:  # 300 as an INT8, which int_contents can hold
        raise Malformed(f"tensor {tensor.name!r} holds a number that {tensor.datatype} cannot hold") from error


def _written(tensors: Tensors, *, together: bool) -> tuple[list[bytes], list[bytes]]:
    """Write the descriptions of tensors, and their bytes."""
    if together and isinstance(tensors, Block):
        matrix = tensors.matrix
        return [write_tensor(BLOCK, datatype_of(matrix), matrix.shape, names_text(tensors.names))], [to_raw(matrix)]
    parts = [write_tensor(name, datatype_of(array), array.shape) for name, array in tensors.items()]
    return parts, [to_raw(array) for array in tensors.values()]
