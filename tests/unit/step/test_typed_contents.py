"""Typed contents: tensors in the fields of InferTensorContents, as clients without raw bytes send them."""

import numpy as np
import pytest
from tensors import sealed

from twinpin.step import protocol
from twinpin.step.datatypes import NUMPY
from twinpin.step.errors import Malformed

FIELDS = {
    "BOOL": ("bool_contents", [True, False]),
    "INT8": ("int_contents", [-128, 127]),
    "INT16": ("int_contents", [-(2**15), 2**15 - 1]),
    "INT32": ("int_contents", [-(2**31), 2**31 - 1]),
    "INT64": ("int64_contents", [-(2**63), 2**63 - 1]),
    "UINT8": ("uint_contents", [0, 255]),
    "UINT16": ("uint_contents", [0, 2**16 - 1]),
    "UINT32": ("uint_contents", [0, 2**32 - 1]),
    "UINT64": ("uint64_contents", [0, 2**64 - 1]),
    "FP32": ("fp32_contents", [1.5, -2.25]),
    "FP64": ("fp64_contents", [0.1, 5e-324]),
    "BYTES": ("bytes_contents", ["a", "é"]),
}


def request(*tensors):
    """A request of tensors (name, datatype, shape, field, values)."""
    pb = protocol.ModelInferRequest(model_name="m")
    for name, datatype, shape, field, values in tensors:
        tensor = pb.inputs.add(name=name, datatype=datatype, shape=shape)
        encoded = [value.encode() if isinstance(value, str) else value for value in values]
        getattr(tensor.contents, field).extend(encoded)
    return pb


def read(pb):
    """Read it as it comes over the wire."""
    return protocol.request_message(sealed(pb))


@pytest.mark.parametrize("datatype", FIELDS)
def test_each_datatype_has_its_field(datatype):
    """The limits of each arrive unchanged, under the dtype of its name."""
    field, values = FIELDS[datatype]

    array = read(request(("x", datatype, [2, 1], field, values))).tensors["x"]

    assert array.dtype == NUMPY[datatype]
    assert array.tolist() == [[value] for value in values]


def test_only_half_precision_has_none():
    """Which is what the protocol's own comment says of FP16."""
    with pytest.raises(Malformed, match="only as raw contents"):
        read(request(("x", "FP16", [1], "fp32_contents", [1.0])))

    assert set(NUMPY) - set(FIELDS) == {"FP16"}


@pytest.mark.parametrize(
    ("datatype", "field", "values"),
    [
        ("INT8", "int_contents", [128]),
        ("UINT8", "uint_contents", [256]),
        ("INT64", "int_contents", [1]),
        ("FP64", "fp32_contents", [1.0]),
        ("FP32", "fp32_contents", [1.0, 2.0]),
        ("BYTES", "bytes_contents", []),
    ],
)
def test_contents_that_do_not_fit_are_refused(datatype, field, values):
    """Out of range, in another datatype's field, or as many as the shape has not."""
    with pytest.raises(Malformed, match="'x'"):
        read(request(("x", datatype, [1], field, values)))


@pytest.mark.parametrize("count", [1, 3])
def test_raw_contents_are_one_for_each_tensor(count):
    """Fewer would leave one without bytes, more would leave bytes without a tensor."""
    pb = protocol.ModelInferRequest(model_name="m")
    for name in "ab":
        pb.inputs.add(name=name, datatype="INT8", shape=[1])
    pb.raw_input_contents.extend([b"\x01"] * count)

    with pytest.raises(Malformed, match=f"2 tensors came with {count} raw contents"):
        read(pb)


def test_raw_and_typed_contents_do_not_mix():
    """Not within a tensor, and not within a request."""
    pb = request(("a", "FP32", [1], "fp32_contents", [1.0]), ("b", "FP32", [1], "fp32_contents", [1.0]))
    pb.raw_input_contents.extend([np.float32(1).tobytes()] * 2)

    with pytest.raises(Malformed, match="contents beside raw contents"):
        read(pb)
