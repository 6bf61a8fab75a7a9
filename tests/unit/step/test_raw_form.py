"""The raw form: the next step's request with its numbers as bytes, whose JSON ends at the first NUL."""

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from twinpin.step import protocol
from twinpin.step.block import Block
from twinpin.step.decode import decode_request
from twinpin.step.encode import encode_raw, encode_request
from twinpin.step.errors import Malformed
from twinpin.step.parts import read_tensor
from twinpin.step.raw import COLUMNS
from twinpin.step.step import Message

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=9)
NUMBERS = st.sampled_from(["<f8", "<f4", "<i8", "<i4", "?"]).flatmap(
    lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=1, max_dims=3, max_side=4))
)
MESSAGES = st.builds(
    Message,
    st.dictionaries(NAMES, NUMBERS, max_size=4),
    st.dictionaries(NAMES, st.text(max_size=5) | st.integers(-9, 9) | st.booleans(), max_size=3),
    st.text(max_size=5),
)
MATRIX = np.array([[1.5, np.nan], [3, 4]])


def same(one, other):
    """Compare two messages, NaN to NaN."""
    assert (one.parameters, one.id, one.requested) == (other.parameters, other.id, other.requested)
    assert list(one.tensors) == list(other.tensors)
    for name, values in one.tensors.items():
        assert values.dtype == other.tensors[name].dtype
        np.testing.assert_array_equal(values, other.tensors[name])


@given(MESSAGES)
def test_what_is_written_is_read(message):
    """Whatever numbers, names and parameters there are."""
    same(decode_request(encode_raw(message)), message)


def test_text_and_the_outputs_asked_for_travel_too():
    """A step in the middle passes on what the last one needs to know."""
    message = Message({"word": np.array(["a", "Zürich"], object), "n": np.arange(2)}, {}, "q", ("forecast",))

    same(decode_request(encode_raw(message)), message)


def test_numbers_are_aligned():
    """The array of a tensor is then used where it lies."""
    for length in range(9):
        body = encode_raw(Message({"m": MATRIX}, {}, "x" * length))

        assert (body.index(b"\0") + 1) % 8 == 0


@pytest.mark.parametrize("dtype", ["<f8", "<f4", "<i8"])
def test_a_block_travels_as_one_tensor(dtype):
    """Over REST and over gRPC, and comes out as the block that it was."""
    message = Message(Block(("x", "y"), np.nan_to_num(MATRIX).astype(dtype)), {"pair": "p"})

    body = encode_raw(message)
    proto = protocol.request_proto(message, "preprocess", together=True)

    assert len(orjson.loads(body[: body.index(b"\0")])["inputs"]) == len(proto.inputs) == 1
    for read in (decode_request(body), protocol.request_message(proto)):
        assert isinstance(read.tensors, Block)
        same(read, message)


def test_a_block_is_many_tensors_for_everybody_else():
    """In JSON, and over gRPC for a client that does not say that it reads blocks."""
    message = Message(Block(("x", "y"), MATRIX))

    assert [each["name"] for each in orjson.loads(encode_request(message))["inputs"]] == ["x", "y"]
    assert [read_tensor(each).name for each in protocol.response_proto(message, "features").outputs] == ["x", "y"]


def spoiled(**changes):
    """A raw body with one block whose description is changed."""
    body = encode_raw(Message(Block(("x", "y"), MATRIX)))
    head = orjson.loads(body[: body.index(b"\0")])
    head["inputs"][0]["parameters"] |= changes
    return orjson.dumps(head) + body[body.index(b"\0") :]


@pytest.mark.parametrize("names", ['["x"]', '["x","x"]', '["x",""]', '["x",1]', "{}", "x", 5])
def test_a_block_without_a_name_for_each_column_is_refused(names):
    """Nothing is guessed."""
    with pytest.raises(Malformed, match="must name each row"):
        decode_request(spoiled(**{COLUMNS: names}))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"inputs": []}\0x', "1 bytes are left"),
        (
            b'{"inputs": [{"name": "m", "datatype": "FP64", "shape": [1], "parameters": {"binary_data_size": 8}}]}\0x',
            "left",
        ),
        (b"\0", "not JSON"),
        (b'{"inputs"\0', "not JSON"),
    ],
)
def test_bytes_that_do_not_fit_are_refused(body, sentence):
    """As in the protocol's own binary form."""
    with pytest.raises(Malformed, match=sentence):
        decode_request(body)
