"""Body: each form is made when it is asked for, once."""

import numpy as np
import orjson
import pytest

from twinpin.graph.body import Body
from twinpin.graph.condition import Condition, is_json
from twinpin.step import protocol
from twinpin.step.errors import Malformed
from twinpin.step.step import Message

TENSORS = {"x": np.array([[1.0, 2.0]], dtype=np.float32)}


def test_bytes_stay_as_they_are():
    """What came from a network goes on byte for byte, read or not."""
    text = b'{ "a" : 1.0 }'
    body = Body.of_bytes(text)

    assert body.json() == {"a": 1.0}
    assert body.bytes() is text


def test_message_becomes_request_or_response_only_when_asked():
    """One Message is written as `inputs` or as `outputs`, as its place in the graph has it."""
    message = Message(TENSORS, {"pair": "p1-m1-abc123"}, id="7", version="3")

    request = Body.of_message(message).json()
    response = Body.of_message(message, "response", "predict").json()

    assert set(request) == {"inputs", "parameters", "id"}
    assert response["model_name"] == "predict"
    assert response["model_version"] == "3"
    assert response["outputs"][0]["data"] == request["inputs"][0]["data"] == [1.0, 2.0]


@pytest.mark.parametrize("form", ["request", "response"])
@pytest.mark.parametrize(
    "message",
    [
        Message(TENSORS),
        Message({}, {"a": 1}, "i", (), "v"),
        Message(TENSORS, {}, "", ("x",)),
        Message({"entities": np.array([1])}, {"partial": True}),
    ],
)
def test_keys_are_known_without_json(form, message):
    """Asking for a top-level key gives what the JSON would give, with no JSON made."""
    quick, slow = Body.of_message(message, form, "m"), orjson.loads(Body.of_message(message, form, "m").bytes())

    names = ("inputs", "outputs", "id", "parameters", "model_name", "model_version", "x", "data")
    assert {name for name in names if Condition(name).met(quick)} == set(slow)
    assert quick._bytes is None


def answer(message):
    """What a step answered over gRPC, unread."""
    return protocol.response_proto(message, "m", together=True)


@pytest.mark.parametrize("form", ["request", "response"])
def test_an_answer_over_grpc_says_what_its_message_says(form):
    """In JSON, in its keys and in the next step's request, be it read before or not."""
    message = Message(TENSORS, {"pair": "p1-m1-abc123"}, id="7", version="3")
    known, unread = Body.of_message(message, form, "m"), Body.of_answer(answer(message), form)

    assert unread.proto("next", "8") == known.proto("next", "8")
    assert unread.has_key("inputs") == known.has_key("inputs")
    assert unread.json() == known.json()
    assert unread.model_name == "m"
    assert is_json(unread)
    assert unread.with_parameters({"a": 1}).json() == known.with_parameters({"a": 1}).json()


def test_an_answer_over_grpc_goes_on_unread():
    """Even one that nobody could read: the next step says what is wrong with it."""
    broken = answer(Message(TENSORS))
    broken.outputs[0] = b"\xff"
    body = Body.of_answer(broken)

    assert body.proto("next", "").inputs[0] == b"\xff"
    with pytest.raises(Malformed, match="a part of the message"):
        body.message()


def test_the_client_s_json_beside_the_message():
    """A caller that has both may give both: conditions and HTTP see the JSON, steps in process the Message."""
    message = Message({"location": np.array([3])})
    body = Body(json={"entities": [3], "entity_key": "location"}, message=message)

    assert Condition("entities").met(body)
    assert not Condition("inputs").met(body)
    assert body.message() is message
    assert orjson.loads(body.bytes()) == {"entities": [3], "entity_key": "location"}


def test_binary_bodies_are_looked_into_before_their_raw_tensors():
    """With the header's length known, conditions read the JSON in front of raw bytes."""
    head = b'{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4}}]}'
    body = Body.of_bytes(head + b"\x00\x00\x80\x3f", len(head))

    assert Condition("inputs.#(name==x)").met(body)
    assert body.message().tensors["x"].tolist() == [1.0]


def test_a_response_keeps_its_version():
    """The model_version of a step's answer is read with its tensors."""
    text = b'{"model_name":"m","model_version":"12","outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":[1]}]}'

    assert Body.of_bytes(text, form="response").message().version == "12"


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[1,]", b'"\xff"'])
def test_no_json_is_malformed(text):
    """Bytes that are not JSON are the client's mistake, and no condition holds for them."""
    body = Body.of_bytes(text)

    assert not is_json(body)
    with pytest.raises(Malformed):
        body.json()
    with pytest.raises(Malformed):
        Condition("@this").met(body)


def test_a_body_needs_something():
    """A body of nothing is a mistake of the caller."""
    with pytest.raises(ValueError, match="needs bytes"):
        Body()
