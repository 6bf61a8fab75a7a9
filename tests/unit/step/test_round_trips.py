"""What one side writes, the other reads back: same names, datatypes, shapes, values, parameters."""

import orjson
from hypothesis import given, settings
from tensors import assert_same_tensors, messages, sealed

from twinpin.step import decode, encode, protocol
from twinpin.step.step import Message

KINDS = {bool: "bool", int: ("int64", "uint64"), float: "double", str: "string"}
EXAMPLES = settings(max_examples=150, deadline=None)


@EXAMPLES
@given(messages(infinity=False))
def test_json_request(message):
    """A JSON request survives, NaN included, which travels as null."""
    read = decode.decode_request(encode.encode_request(message))

    assert_same_tensors(read.tensors, message.tensors)
    assert (read.parameters, read.id, read.requested) == (message.parameters, message.id, message.requested)


@EXAMPLES
@given(messages(infinity=False))
def test_json_response(message):
    """A JSON response survives."""
    body = encode.encode_response(message, "m")
    read = decode.decode_response(body)

    assert_same_tensors(read.tensors, message.tensors)
    assert orjson.loads(body)["model_name"] == "m"


@EXAMPLES
@given(messages())
def test_response_that_is_also_a_request(message):
    """The answer of one step is taken as the request of the next, even in its response form."""
    read = decode.decode_request(encode.encode_response(message, "m")) if message.tensors else message

    assert list(read.tensors) == list(message.tensors)


@EXAMPLES
@given(messages())
def test_binary_response(message):
    """Binary data keeps every bit, infinities included."""
    names = [*message.tensors][::2]
    body, length = encode.encode_response_binary(message, "m", lambda name: name in names)
    read = decode.decode_response(body, length)

    assert_same_tensors({name: read.tensors[name] for name in names}, {name: message.tensors[name] for name in names})
    assert list(read.tensors) == list(message.tensors)


@EXAMPLES
@given(messages())
def test_protobuf_request(message):
    """A gRPC request survives its bytes, which the published message reads and writes."""
    raw = protocol.request_proto(message, "m", "7").SerializeToString()
    read = protocol.request_message(sealed(protocol.ModelInferRequest.FromString(raw)))

    assert_same_tensors(read.tensors, message.tensors)
    assert (read.parameters, read.id, read.requested) == (message.parameters, message.id, message.requested)


@EXAMPLES
@given(messages())
def test_protobuf_response(message):
    """So does a response."""
    raw = protocol.response_proto(message, "m").SerializeToString()
    read = protocol.response_message(sealed(protocol.ModelInferResponse.FromString(raw)))

    assert_same_tensors(read.tensors, message.tensors)
    assert (read.parameters, read.id) == (message.parameters, message.id)


@EXAMPLES
@given(messages())
def test_protobuf_response_that_becomes_a_request(message):
    """Unopened, it says to the next step what it says to us."""
    request = protocol.forwarded(protocol.response_proto(message, "m", together=True), "next", "8")
    raw = request.SerializeToString()
    read = protocol.request_message(sealed(protocol.ModelInferRequest.FromString(raw)))

    assert (request.model_name, request.model_version) == ("next", "8")
    assert_same_tensors(read.tensors, message.tensors)
    assert (read.parameters, read.id, read.requested) == (message.parameters, message.id, ())


def test_parameters_that_are_equal_and_not_the_same_keep_their_kind():
    """Whatever was written before."""
    for value in (True, 1, 1.0, 0.0, -0.0, False, 0, "1", 2**63):
        request = protocol.request_proto(Message({}, {"a": value}), "m")
        published = protocol.ModelInferRequest.FromString(request.SerializeToString())

        assert repr(protocol.request_message(request).parameters) == repr({"a": value})
        assert published.parameters["a"].WhichOneof("parameter_choice").startswith(KINDS[type(value)])
