"""Bodies over REST to a Message: V2 JSON, its binary extension and the plain bodies.

The rules are those of the Open Inference Protocol (github.com/kserve/open-inference-protocol: open_inference_rest.yaml,
and the binary tensor data extension). Where the protocol is silent: null and NaN in floating point data are NaN;
text is UTF-8; a request may carry `outputs` (an answer of the step before) for `inputs`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from reprlib import repr as brief
from typing import Any

import orjson

from twinpin.step.binary import BINARY_SIZE, Binary
from twinpin.step.block import Block
from twinpin.step.datatypes import from_raw, shape_of
from twinpin.step.errors import Malformed
from twinpin.step.jsondata import from_json
from twinpin.step.plain import is_plain, name_of, read_plain
from twinpin.step.raw import COLUMNS, joined, json_length, read_block
from twinpin.step.step import Message, Parameters, Tensors

BINARY = "binary_data"
BINARY_OUTPUT = "binary_data_output"

_INTEGERS = range(-(2**63), 2**64)
# A string (kept whole, also where its end is missing), or the bare NaN that Python's and Go's writers put into JSON.
_NAN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|\bNaN\b', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Request:
    """A decoded request, and which of its outputs the client wants as binary data."""

    message: Message
    binary_output: bool = False
    #: Output -> its own wish, which beats `binary_output`.
    binary_outputs: Mapping[str, bool] = field(default_factory=dict)

    @property
    def wants_binary(self) -> bool:
        """Whether any output may have to be binary."""
        return self.binary_output or True in self.binary_outputs.values()

    def binary(self, output: str) -> bool:
        """Whether this output is to be binary."""
        return self.binary_outputs.get(output, self.binary_output)


def read_request(body: bytes, header_length: int | None = None) -> Request:
    """Decode a request with the client's wishes for binary outputs; arguments and errors as `decode_request`."""
    document, binary = _parse(body, header_length)
    parameters, request_id = _parameters(document.get("parameters")), _id(document.get("id"))
    if "inputs" in document:
        return _read_inputs(document, binary, parameters, request_id)
    if "outputs" in document:
        return Request(Message(_tensors(document["outputs"], "outputs", binary), parameters, request_id))
    if not is_plain(document):
        raise Malformed('the body needs "inputs" (tensors), "data" (columns) or "entities" (keys of the feature store)')
    return Request(read_plain(document, parameters, request_id))


def decode_request(body: bytes, header_length: int | None = None) -> Message:
    """Decode any body that a step or the graph accepts.

    *header_length* is the length in bytes of the JSON that comes before binary data, None where all is JSON.
    Raises Malformed with a sentence that names the tensor.
    """
    return read_request(body, header_length).message


def decode_response(body: bytes, header_length: int | None = None) -> Message:
    """Decode a step's answer: `outputs`, or `inputs` where it was asked for the next step's request."""
    document, binary = _parse(body, header_length)
    key = "outputs" if "outputs" in document else "inputs"
    version = document.get("model_version")
    return Message(
        tensors=_tensors(document.get(key), key, binary),
        parameters=_parameters(document.get("parameters")),
        id=_id(document.get("id")),
        version=version if isinstance(version, str) else "",
    )


def _parse(body: bytes, header_length: int | None) -> tuple[dict[str, Any], Binary]:
    """Split the body into its JSON object and the bytes behind it."""
    if header_length is not None and not 0 <= header_length <= len(body):
        raise Malformed(f"Inference-Header-Content-Length is {header_length}, but the body has {len(body)} bytes")
    begin = header_length
    if header_length is None and (header_length := json_length(body)) is not None:
        begin = header_length + 1
    head = body if header_length is None else body[:header_length]
    rest = memoryview(b"" if begin is None else body)[begin or 0 :]
    document = loads(head)
    if not isinstance(document, dict):
        raise Malformed("the body must be a JSON object")
    return document, Binary(rest)


def loads(head: bytes) -> Any:
    """Read JSON, where a bare NaN counts as null; raises Malformed."""
    try:
        return orjson.loads(head)
    except orjson.JSONDecodeError as first:
        try:
            if b"NaN" in head:
                return orjson.loads(_NAN.sub(lambda hit: b"null" if hit[0] == b"NaN" else hit[0], head))
        except orjson.JSONDecodeError as second:
            raise Malformed(f"the body is not JSON: {second}") from second
        raise Malformed(f"the body is not JSON: {first}") from first


def _read_inputs(document: dict[str, Any], binary: Binary, parameters: Parameters, request_id: str) -> Request:
    """Read a V2 request; the wishes for binary outputs end here and travel to no other step."""
    wishes: dict[str, bool] = {}
    names: list[str] = []
    wanted = document.get("outputs")
    for output in _objects([] if wanted is None else wanted, "outputs"):
        name = name_of(output.get("name"), "an output")
        if name in names:
            raise Malformed(f"output {name!r} is asked for twice; name it once")
        names.append(name)
        if (wish := _parameters(output.get("parameters")).get(BINARY)) is not None:
            wishes[name] = _flag(wish, BINARY)
    default = _flag(parameters.pop(BINARY_OUTPUT, False), BINARY_OUTPUT)
    tensors = _tensors(document["inputs"], "inputs", binary)
    return Request(Message(tensors, parameters, request_id, tuple(names)), default, wishes)


def _objects(value: object, key: str) -> list[dict[str, Any]]:
    """Check a list of objects."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Malformed(f'"{key}" must be a list of objects')
    return value


def _tensors(value: object, key: str, binary: Binary) -> Tensors:
    """Read tensors with their data in JSON or behind it."""
    tensors: Tensors = {}
    together: Block | None = None
    for item in _objects(value, key):
        name = name_of(item.get("name"), "a tensor")
        if name in tensors:
            raise Malformed(f"tensor {name!r} comes twice; every tensor needs a name of its own")
        shape, datatype = shape_of(name, item.get("shape")), item.get("datatype")
        parameters = _parameters(item.get("parameters"))
        size = parameters.get(BINARY_SIZE)
        if size is None:
            tensors[name] = from_json(name, datatype, shape, item.get("data"))
        elif "data" in item:
            raise Malformed(f"tensor {name!r} has data and {BINARY_SIZE}; send one of them")
        else:
            tensors[name] = from_raw(name, datatype, shape, binary.take(name, size))
            if COLUMNS in parameters:
                together = read_block(parameters[COLUMNS], tensors.pop(name))
    binary.finish()
    return tensors if together is None else joined(tensors, together)


def _parameters(value: object) -> Parameters:
    """Check parameters: text, numbers, true and false."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Malformed('"parameters" must be an object')
    for key, item in value.items():
        if not isinstance(item, str | int | float) or (type(item) is int and item not in _INTEGERS):
            raise Malformed(
                f"parameter {brief(key)} must be text, a number, true or false, not {brief(item)};"
                " send a structure as JSON text"
            )
    return value


def _flag(value: object, key: str) -> bool:
    """Check a parameter that is true or false."""
    if not isinstance(value, bool):
        raise Malformed(f"parameter {key} must be true or false, not {brief(value)}")
    return value


def _id(value: object) -> str:
    """Check the request's id."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Malformed(f'"id" must be text, not {brief(value)}')
    return value
