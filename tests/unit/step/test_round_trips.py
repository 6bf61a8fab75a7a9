"""What one side writes, the other reads back: same names, datatypes, shapes, values, parameters."""

import orjson
from hypothesis import given, settings
from tensors import assert_same_tensors, messages

from twinpin.step import codec, protocol

EXAMPLES = settings(max_examples=150, deadline=None)


@EXAMPLES
@given(messages(infinity=False))
def test_json_request(message):
    """A JSON request survives, NaN included, which travels as null."""
    read = codec.decode_request(codec.encode_request(message))

    assert_same_tensors(read.tensors, message.tensors)
    assert (read.parameters, read.id, read.requested) == (message.parameters, message.id, message.requested)


@EXAMPLES
@given(messages(infinity=False))
def test_json_response(message):
    """A JSON response survives."""
    body = codec.encode_response(message, "m")
    read = codec.decode_response(body)

    assert_same_tensors(read.tensors, message.tensors)
    assert orjson.loads(body)["model_name"] == "m"


@EXAMPLES
@given(messages())
def test_response_that_is_also_a_request(message):
    """The answer of one step is taken as the request of the next, even in its response form."""
    read = codec.decode_request(codec.encode_response(message, "m")) if message.tensors else message

    assert list(read.tensors) == list(message.tensors)


@EXAMPLES
@given(messages())
def test_binary_response(message):
    """Binary data keeps every bit, infinities included."""
    names = [*message.tensors][::2]
    body, length = codec.encode_response_binary(message, "m", lambda name: name in names)
    read = codec.decode_response(body, length)

    assert_same_tensors({name: read.tensors[name] for name in names}, {name: message.tensors[name] for name in names})
    assert list(read.tensors) == list(message.tensors)


@EXAMPLES
@given(messages())
def test_protobuf_request(message):
    """A gRPC request survives its bytes."""
    raw = protocol.request_proto(message, "m", "7").SerializeToString()
    read = protocol.request_message(protocol.ModelInferRequest.FromString(raw))

    assert_same_tensors(read.tensors, message.tensors)
    assert (read.parameters, read.id, read.requested) == (message.parameters, message.id, message.requested)


@EXAMPLES
@given(messages())
def test_protobuf_response(message):
    """A gRPC response survives its bytes."""
    raw = protocol.response_proto(message, "m").SerializeToString()
    read = protocol.response_message(protocol.ModelInferResponse.FromString(raw))

    assert_same_tensors(read.tensors, message.tensors)
    assert (read.parameters, read.id) == (message.parameters, message.id)
