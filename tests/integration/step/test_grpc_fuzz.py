"""Any message over gRPC is answered or refused as the client's fault; the server stays what it was."""

import grpc
import pytest
from grpc_fuzz import FINE, QUESTIONS, code_of, examples, requests
from hypothesis import given
from hypothesis import strategies as st

from twinpin.step import protocol


@pytest.fixture(scope="module")
def channel(echo_server):
    """A blocking channel."""
    with grpc.insecure_channel(echo_server.target) as channel:
        yield channel


@examples(150)
@given(raw=requests("echo") | st.binary(max_size=60))
def test_inference(channel, raw):
    """Never UNKNOWN, never INTERNAL, never a cut connection."""
    assert code_of(channel, protocol.MODEL_INFER, raw) in FINE


@examples(150)
@given(raw=st.binary(max_size=20), path=st.sampled_from(QUESTIONS))
def test_questions(channel, raw, path):
    """The same for the five other methods of the protocol, and for the health service."""
    assert code_of(channel, path, raw) in FINE


def test_an_unknown_method_is_unimplemented(channel):
    """As gRPC says; no model is ever loaded or unloaded by a client."""
    path = f"/{protocol.SERVICE}/RepositoryModelUnload"

    assert code_of(channel, path, b"") == grpc.StatusCode.UNIMPLEMENTED
