"""The binary extension: bytes behind the JSON, taken by the tensors in their order."""

import numpy as np
import orjson
import pytest

from twinpin.step.decode import decode_request
from twinpin.step.encode import encode_response_binary
from twinpin.step.errors import Malformed
from twinpin.step.step import Message

FP32 = np.array([1.5, np.nan], dtype="<f4").tobytes()


def parts(*tensors):
    """The JSON of a request, and its length."""
    head = orjson.dumps({"inputs": [{"name": f"t{index}", **tensor} for index, tensor in enumerate(tensors)]})
    return head, len(head)


def binary(datatype, shape, size):
    """Describe a tensor whose bytes come behind."""
    return {"datatype": datatype, "shape": shape, "parameters": {"binary_data_size": size}}


def test_tensors_take_their_bytes_in_order_beside_json_ones():
    """A request may mix both forms."""
    words = b"\x01\x00\x00\x00a\x00\x00\x00\x00"
    inline = {"datatype": "INT32", "shape": [1], "data": [7]}
    head, length = parts(binary("FP32", [2], 8), inline, binary("BYTES", [2], len(words)), binary("BOOL", [3], 3))

    tensors = decode_request(head + FP32 + words + b"\x00\x01\x02", length).tensors

    np.testing.assert_array_equal(tensors["t0"], [np.float32(1.5), np.nan])
    assert tensors["t1"].tolist() == [7]
    assert tensors["t2"].tolist() == ["a", ""]
    assert tensors["t3"].tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("tensor", "blob", "sentence"),
    [
        (binary("FP32", [2], 8), FP32[:-1], "7 bytes are left"),
        (binary("FP32", [3], 8), FP32, "takes 12 bytes, but 8 came"),
        (binary("FP32", [2], 8), FP32 + b"x", "1 bytes are left that belong to no tensor"),
        (binary("FP32", [2], -1), FP32, "binary_data_size -1"),
        (binary("FP32", [2], "8"), FP32, "binary_data_size '8'"),
        (binary("FP32", [2], True), FP32, "binary_data_size True"),
        (binary("FP32", [2**61], 8), FP32, "takes"),
        (binary("BYTES", [1], 8), b"\xff\xff\xff\x7fabcd", "end inside an element"),
        (binary("BYTES", [1], 3), b"\x00\x00\x00", "end inside an element"),
        (binary("BYTES", [2**60], 5), b"\x01\x00\x00\x00a", "by its shape, but 1 came"),
        (binary("BYTES", [1], 5), b"\x01\x00\x00\x00\xff", "not UTF-8"),
        (binary("BF16", [1], 2), b"\x00\x00", "BF16"),
        (binary("FP32", [2], 8) | {"data": [1, 2]}, FP32, "send one of them"),
    ],
)
def test_bytes_that_do_not_fit_are_refused(tensor, blob, sentence):
    """No byte is guessed, and no size allocates more than came."""
    head, length = parts(tensor)

    with pytest.raises(Malformed) as caught:
        decode_request(head + blob, length)

    assert sentence in caught.value.message


@pytest.mark.parametrize("length", [-1, 1000])
def test_a_length_outside_the_body_is_refused(length):
    """The header is the client's word only."""
    with pytest.raises(Malformed, match=r"Inference-Header-Content-Length"):
        decode_request(b'{"inputs":[]}', length)


def test_binary_data_without_the_header_says_which_one_is_missing():
    """A proxy that drops the header is found at once."""
    head, _ = parts(binary("FP32", [2], 8))

    with pytest.raises(Malformed, match=r"Inference-Header-Content-Length"):
        decode_request(head)


def test_each_output_is_binary_or_json_as_its_client_wants():
    """The length tells where the JSON ends."""
    message = Message({"a": np.array([1.0, 2.0], dtype=np.float32), "b": np.array(["x"], dtype=object)})

    body, length = encode_response_binary(message, "m", lambda name: name == "a")

    outputs = orjson.loads(body[:length])["outputs"]
    assert outputs[0]["parameters"] == {"binary_data_size": 8}
    assert outputs[1]["data"] == ["x"]
    assert body[length:] == message.tensors["a"].tobytes()


def test_a_tensor_without_values_stays_in_the_json():
    """An answer that no bytes follow is plain JSON, and there every output has `data`."""
    message = Message({"a": np.empty((0, 2), dtype=np.float32)})

    body, length = encode_response_binary(message, "m")

    assert length == len(body)
    assert orjson.loads(body)["outputs"] == [{"name": "a", "datatype": "FP32", "shape": [0, 2], "data": []}]
