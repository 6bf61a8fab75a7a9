"""Whatever a client sends, reading it either works or raises one of our errors, which names a status below 500."""

import copy

import orjson
import pytest
from google.protobuf.message import DecodeError
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tensors import sealed

from twinpin.step import decode, protocol
from twinpin.step.errors import TwinpinError

EXAMPLES = settings(max_examples=300, deadline=None)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=6)
)
WORDS = st.sampled_from(
    [
        "inputs",
        "outputs",
        "data",
        "entities",
        "entity_key",
        "time_point",
        "partial",
        "parameters",
        "id",
        "name",
        "shape",
        "datatype",
        "binary_data_size",
        "binary_data_output",
        "binary_data",
        "FP32",
        "BYTES",
        "INT8",
    ]
)
VALUES = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=4),
    max_leaves=24,
)
TENSOR = {"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [1.0, 2.0]}
GOOD = {"id": "1", "parameters": {"a": 1}, "inputs": [TENSOR], "outputs": [{"name": "y", "parameters": {}}]}


def refusal(read, *arguments):
    """Read as the server does; return our own error, or None. Any other exception fails the test."""
    try:
        read(*arguments)
    except TwinpinError as error:
        return error
    return None


def assert_for_the_client(error):
    """A refusal blames the request, in a sentence of bounded length."""
    if error is not None:
        assert error.status == 400
        assert len(error.message) < 2000


@EXAMPLES
@given(st.binary(max_size=80), st.none() | st.integers(-5, 90))
@example(b"[" * 100_000, None)
@example(b'{"inputs":' * 5000, None)
@example(b'"' + b'\\"' * 50_000 + b"NaN", None)
@example(b'{"id":"\\ud800 NaN"}', None)
def test_random_bytes(body, header_length):
    """Bytes that are no JSON are refused."""
    assert_for_the_client(refusal(decode.read_request, body, header_length))


@EXAMPLES
@given(st.dictionaries(WORDS, VALUES, max_size=5), st.none() | st.integers(0, 60))
def test_random_documents(document, header_length):
    """JSON that speaks our words in the wrong order is refused."""
    assert_for_the_client(refusal(decode.read_request, orjson.dumps(document), header_length))


PATHS = [
    ("id",),
    ("parameters",),
    ("parameters", "a"),
    ("inputs",),
    ("inputs", 0),
    ("outputs",),
    ("outputs", 0),
    ("outputs", 0, "name"),
    ("outputs", 0, "parameters"),
    *[("inputs", 0, key) for key in ("name", "datatype", "shape", "data", "parameters")],
]


@EXAMPLES
@given(st.sampled_from(PATHS), VALUES, st.sampled_from(["FP32", "FP64", "INT8", "UINT64", "BOOL", "BYTES", "FP16"]))
def test_one_wrong_part(path, value, datatype):
    """A good request with one part replaced is taken or refused, never a defect."""
    document = copy.deepcopy(GOOD)
    document["inputs"][0]["datatype"] = datatype
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value

    assert_for_the_client(refusal(decode.read_request, orjson.dumps(document)))


@EXAMPLES
@given(st.lists(st.integers(-(2**66), 2**66), max_size=4), st.binary(max_size=40))
def test_any_shape_with_any_bytes(shape, blob):
    """No shape makes the reader allocate, overflow or crash."""
    shapes = b"[" + b",".join(b"%d" % size for size in shape) + b"]"
    head = b'{"inputs":[{"name":"x","datatype":"INT16","shape":%b,"parameters":{"binary_data_size":%d}}]}'
    head %= (shapes, len(blob))

    assert_for_the_client(refusal(decode.read_request, head + blob, len(head)))


@EXAMPLES
@given(st.binary(max_size=120))
def test_random_protobuf(raw):
    """Any bytes that parse as a request are taken or refused."""
    try:
        pb = protocol.SealedRequest.FromString(raw)
    except DecodeError:
        return
    assert_for_the_client(refusal(protocol.request_message, pb))


@EXAMPLES
@given(st.data())
def test_protobuf_with_one_wrong_part(data):
    """Typed contents, raw contents, names and shapes that do not fit each other are refused."""
    pb = protocol.ModelInferRequest(model_name="m")
    for name in data.draw(st.lists(st.sampled_from(["x", "y", ""]), max_size=3)):
        shape = data.draw(st.lists(st.integers(-2, 2**62), max_size=3) | st.just([2]))
        tensor = pb.inputs.add(name=name, datatype=data.draw(st.sampled_from(["FP32", "INT8", "BF16", "BYTES", ""])))
        tensor.shape.extend(shape)
        tensor.contents.fp32_contents.extend(data.draw(st.lists(st.floats(width=32), max_size=2)))
        tensor.contents.int_contents.extend(data.draw(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=2)))
        tensor.contents.bytes_contents.extend(data.draw(st.lists(st.binary(max_size=3), max_size=2)))
    pb.raw_input_contents.extend(data.draw(st.lists(st.binary(max_size=9), max_size=3)))

    assert_for_the_client(refusal(protocol.request_message, sealed(pb)))


def test_deep_nesting_is_no_recursion():
    """Lists within lists stop at the dimensions that an array can have."""
    nested = b"[" * 60 + b"1" + b"]" * 60
    body = b'{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":' + nested + b"}]}"

    with pytest.raises(TwinpinError, match=r"lengths"):
        decode.decode_request(body)
