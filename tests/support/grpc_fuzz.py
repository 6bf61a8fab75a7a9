"""Requests over gRPC that are nearly right, hostile ones, and the status that a server gives them."""

import grpc
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from twinpin.step import health, protocol

#: The answers that a client's doing can have; INTERNAL, UNKNOWN and UNAVAILABLE are none of them.
FINE = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}
#: Every method but the inference.
QUESTIONS = (
    protocol.SERVER_LIVE,
    protocol.SERVER_READY,
    protocol.SERVER_METADATA,
    protocol.MODEL_READY,
    protocol.MODEL_METADATA,
    health.HEALTH_CHECK,
)
DATATYPES = ("FP32", "FP64", "FP16", "INT8", "INT64", "UINT64", "BOOL", "BYTES", "BF16", "")


def examples(most):
    """Settings of a test that sends *most* requests."""
    return settings(max_examples=most, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def requests(draw, model, names=(), keys=()):
    """Requests for *model*, as bytes, with its own *names* of tensors and *keys* of parameters among others."""
    words = st.text(max_size=4) | st.sampled_from([model, "7", *names])
    pb = protocol.ModelInferRequest(model_name=model, id=draw(words))
    if not draw(st.integers(0, 9)):  # seldom: a request for no model of this server says nothing of the rest
        pb.model_name, pb.model_version = draw(words), draw(words)
    for key in draw(st.lists(words | st.sampled_from([*keys, "x"]), max_size=2)):
        _parameter(draw, pb.parameters[key], words)
    for name in draw(st.lists(st.sampled_from([*names, "x"]) | words, max_size=2)):
        _tensor(draw, pb, name)
    pb.raw_input_contents.extend(draw(st.lists(st.binary(max_size=24), max_size=2)))
    for name in draw(st.lists(words, max_size=2)):
        pb.outputs.add(name=name)
    return pb.SerializeToString()


def _parameter(draw, parameter, words):
    """Give a parameter a value of any kind, or none."""
    kinds = {
        "string_param": words | st.sampled_from(["now", "all", "2026-01-31T10:00:00Z"]),
        "bool_param": st.booleans(),
        "int64_param": st.integers(-(2**63), 2**63 - 1),
        "uint64_param": st.integers(0, 2**64 - 1),
        "double_param": st.floats(),
    }
    kind = draw(st.sampled_from([*kinds, "none"]))
    if kind == "none":
        parameter.SetInParent()
    else:
        setattr(parameter, kind, draw(kinds[kind]))


def _tensor(draw, pb, name):
    """Add a tensor whose shape, datatype and contents may disagree."""
    tensor = pb.inputs.add(name=name, datatype=draw(st.sampled_from(DATATYPES)))
    tensor.shape.extend(draw(st.lists(st.integers(-1, 3) | st.integers(-(2**63), 2**63 - 1), max_size=3)))
    contents = tensor.contents
    contents.fp32_contents.extend(draw(st.lists(st.floats(width=32), max_size=3)))
    contents.fp64_contents.extend(draw(st.lists(st.floats(), max_size=3)))
    contents.int_contents.extend(draw(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3)))
    contents.int64_contents.extend(draw(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 4), max_size=3)))
    contents.bytes_contents.extend(draw(st.lists(st.binary(max_size=3), max_size=3)))


def code_of(channel, path, raw):
    """Call with bytes and return the status."""
    try:
        channel.unary_unary(path)(raw, timeout=20)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK
