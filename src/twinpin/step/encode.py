"""A Message to bodies over REST: V2 JSON, its binary extension, the raw form and the plain body; NaN becomes null."""

from collections.abc import Callable
from reprlib import repr as brief
from typing import Any

import numpy as np

from twinpin.step.binary import BINARY_SIZE
from twinpin.step.block import Block
from twinpin.step.datatypes import datatype_of, to_raw
from twinpin.step.errors import Malformed
from twinpin.step.jsondata import dumps, to_json
from twinpin.step.raw import BLOCK, COLUMNS, join, names_text
from twinpin.step.step import Message


def encode_request(message: Message) -> bytes:
    """Write the V2 JSON request (`inputs`), with the outputs asked for."""
    return dumps(_request_head(message) | {"inputs": [_tensor(*item) for item in message.tensors.items()]})


def has_plain_form(message: Message) -> bool:
    """Whether a request can be written as plain columns, which are shorter and read faster, and come out the same."""
    tensors = message.tensors
    return isinstance(tensors, Block) and tensors.matrix.dtype == np.float64 and not message.requested


def encode_plain(message: Message) -> bytes:
    """Write a request that `has_plain_form` as a plain body."""
    return dumps(_head(message) | {"data": message.tensors})


def encode_raw(message: Message) -> bytes:
    """Write the request of the next step in the raw form (`twinpin.step.raw`)."""
    if isinstance(message.tensors, Block):
        block = message.tensors
        blobs = [to_raw(block.matrix)]
        columns = {COLUMNS: names_text(block.names), BINARY_SIZE: len(blobs[0])}
        inputs = [_described(BLOCK, block.matrix) | {"parameters": columns}]
    else:
        blobs = [to_raw(array) for array in message.tensors.values()]
        inputs = [
            _described(name, array) | {"parameters": {BINARY_SIZE: len(blob)}}
            for (name, array), blob in zip(message.tensors.items(), blobs, strict=True)
        ]
    return join(dumps(_request_head(message) | {"inputs": inputs}), blobs)


def encode_response(message: Message, model_name: str) -> bytes:
    """Write the V2 JSON response (`outputs`)."""
    document = _answer_head(message, model_name)
    document["outputs"] = [_tensor(*item) for item in message.tensors.items()]
    return dumps(document)


def encode_response_binary(
    message: Message, model_name: str, binary: Callable[[str], bool] = lambda _name: True
) -> tuple[bytes, int]:
    """Write a response with the outputs chosen by *binary* behind the JSON; return body and length of the JSON.

    A tensor without values stays in the JSON: it has no bytes, and an answer without bytes is plain JSON, whose
    outputs all have `data`.
    """
    document, blobs = _answer_head(message, model_name), []
    document["outputs"] = outputs = []
    for name, array in message.tensors.items():
        if not binary(name) or not array.size:
            outputs.append(_tensor(name, array))
            continue
        blobs.append(to_raw(array))
        outputs.append(_described(name, array) | {"parameters": {BINARY_SIZE: len(blobs[-1])}})
    head = dumps(document)
    return b"".join([head, *blobs]), len(head)


def select(message: Message, requested: tuple[str, ...]) -> Message:
    """Keep the outputs asked for, in the order asked; none: all. Raises Malformed for a name that is no output."""
    if not requested:
        return message
    unknown = [name for name in requested if name not in message.tensors]
    if unknown:
        raise Malformed(f"there is no output {brief(unknown[0])}; this model answers with {list(message.tensors)}")
    tensors = {name: message.tensors[name] for name in requested}
    return Message(tensors, message.parameters, message.id, requested, message.version)


def _head(message: Message) -> dict[str, Any]:
    """Start a document with what is there of id and parameters."""
    head: dict[str, Any] = {}
    if message.id:
        head["id"] = message.id
    if message.parameters:
        head["parameters"] = message.parameters
    return head


def _answer_head(message: Message, model_name: str) -> dict[str, Any]:
    """Start a response."""
    head = {"model_name": model_name}
    if message.version:
        head["model_version"] = message.version
    return head | _head(message)


def _request_head(message: Message) -> dict[str, Any]:
    """Start a request, with the outputs asked for."""
    wanted = {"outputs": [{"name": name} for name in message.requested]} if message.requested else {}
    return _head(message) | wanted


def _described(name: str, array: np.ndarray) -> dict[str, Any]:
    """Describe one tensor."""
    return {"name": name, "datatype": datatype_of(array), "shape": array.shape}


def _tensor(name: str, array: np.ndarray) -> dict[str, Any]:
    """Describe one tensor with its data in JSON."""
    return _described(name, array) | {"data": to_json(array)}
