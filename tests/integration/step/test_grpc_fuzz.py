"""Any message over gRPC is answered or refused as the client's fault; the server stays what it was."""

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twinpin.step import protocol

FINE = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}
EXAMPLES = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
WORDS = st.text(max_size=4) | st.sampled_from(["echo", "x", "7"])


@st.composite
def requests(draw):
    """Requests that are nearly right."""
    pb = protocol.ModelInferRequest(
        model_name=draw(st.just("echo") | WORDS), model_version=draw(st.just("") | WORDS), id=draw(WORDS)
    )
    for key in draw(st.lists(WORDS, max_size=2)):
        choice = draw(st.sampled_from(["string_param", "bool_param", "int64_param", "double_param", "none"]))
        kinds = {"string_param": WORDS, "bool_param": st.booleans(), "int64_param": st.integers(-(2**63), 2**63 - 1)}
        if choice == "none":
            pb.parameters[key].SetInParent()
        else:
            setattr(pb.parameters[key], choice, draw(kinds.get(choice, st.floats())))
    for name in draw(st.lists(WORDS, max_size=2)):
        datatype = draw(st.sampled_from(["FP32", "FP16", "INT8", "UINT64", "BOOL", "BYTES", "BF16", ""]))
        tensor = pb.inputs.add(name=name, datatype=datatype)
        tensor.shape.extend(draw(st.lists(st.integers(-1, 3) | st.integers(-(2**63), 2**63 - 1), max_size=3)))
        tensor.contents.fp32_contents.extend(draw(st.lists(st.floats(width=32), max_size=3)))
        tensor.contents.int_contents.extend(draw(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3)))
    pb.raw_input_contents.extend(draw(st.lists(st.binary(max_size=12), max_size=2)))
    for name in draw(st.lists(WORDS, max_size=2)):
        pb.outputs.add(name=name)
    return pb.SerializeToString()


@pytest.fixture(scope="module")
def channel(echo_server):
    """A blocking channel."""
    with grpc.insecure_channel(echo_server.target) as channel:
        yield channel


def code_of(channel, path, raw):
    """Call with bytes and return the status."""
    try:
        channel.unary_unary(path)(raw, timeout=20)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


@EXAMPLES
@given(raw=requests() | st.binary(max_size=60))
def test_inference(channel, raw):
    """Never UNKNOWN, never INTERNAL, never a cut connection."""
    assert code_of(channel, protocol.MODEL_INFER, raw) in FINE


@EXAMPLES
@given(raw=st.binary(max_size=20), path=st.sampled_from([protocol.MODEL_READY, protocol.MODEL_METADATA]))
def test_questions(channel, raw, path):
    """The same for what is asked about models."""
    assert code_of(channel, path, raw) in FINE


def test_an_unknown_method_is_unimplemented(channel):
    """As gRPC says; no model is ever loaded or unloaded by a client."""
    path = f"/{protocol.SERVICE}/RepositoryModelUnload"

    assert code_of(channel, path, b"") == grpc.StatusCode.UNIMPLEMENTED
