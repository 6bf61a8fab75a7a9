"""Hostile messages to the model `forecast` over gRPC harm neither the gateway nor the calls beside them."""

from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
from grpc_fuzz import FINE, QUESTIONS, code_of, examples, requests
from hypothesis import given
from hypothesis import strategies as st
from small_steps import expected

from twinpin.step import protocol, step
from twinpin.step.step import Message

NAMES = ("temp", "wind", "location_id", "entities", "forecast")
KEYS = (step.ENTITY_KEY, step.TIME_POINT, step.PARTIAL, step.ENTITIES, step.AS_OF, step.PAIR, "history")
# What no entity of the store can answer is a 422, whose code is INVALID_ARGUMENT too.
RIGHT = Message({"temp": np.array([[1.0, 2.0, 3.0]])}, id="beside")


@pytest.fixture(scope="module")
def channel(server):
    """A blocking channel."""
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        yield channel


def forecast(channel):
    """Ask for what is known, and return id and forecast."""
    raw = protocol.request_proto(RIGHT, "forecast").SerializeToString()
    answer = channel.unary_unary(protocol.MODEL_INFER)(raw, timeout=20)
    message = protocol.response_message(protocol.SealedResponse.FromString(answer))
    return message.id, message.tensors["forecast"].tolist()


@examples(150)
@given(raw=requests("forecast", NAMES, KEYS) | st.binary(max_size=60))
def test_inference_beside_a_right_one(channel, raw):
    """Refused as the client's fault, while a right call on the same connection gets its own answer."""
    with ThreadPoolExecutor(1) as beside:
        right = beside.submit(forecast, channel)
        code = code_of(channel, protocol.MODEL_INFER, raw)

    assert code in FINE
    assert right.result() == ("beside", [expected([1, 2, 3])])


@examples(100)
@given(raw=st.binary(max_size=20), path=st.sampled_from(QUESTIONS))
def test_questions(channel, raw, path):
    """The five other methods of the protocol, and the health service."""
    assert code_of(channel, path, raw) in FINE
