"""JSON bodies: what each kind becomes, and what the sentence says when it becomes nothing."""

import numpy as np
import orjson
import pytest

from twinpin.step.decode import decode_request, decode_response, read_request
from twinpin.step.encode import encode_response, select
from twinpin.step.errors import Malformed
from twinpin.step.step import Message


def body(**tensor):
    """A request with one tensor."""
    return orjson.dumps({"inputs": [{"name": "x", "datatype": "FP32", "shape": [2], "data": [1, 2]} | tensor]})


@pytest.mark.parametrize("data", [[1, 2, 3, 4, 5, 6], [[1, 2, 3], [4, 5, 6]]])
def test_data_is_flat_or_nested(data):
    """Both forms of the protocol give the same array."""
    message = decode_request(body(shape=[2, 3], data=data))

    np.testing.assert_array_equal(message.tensors["x"], [[1, 2, 3], [4, 5, 6]])
    assert message.tensors["x"].dtype == np.float32


def test_null_and_bare_nan_are_nan():
    """A missing feature comes as null from most writers and as NaN from Python's."""
    message = decode_request(
        b'{"inputs":[{"name":"NaN","datatype":"FP64","shape":[3],"data":[null,NaN,1]}],"id":"a NaN"}'
    )

    np.testing.assert_array_equal(message.tensors["NaN"], [np.nan, np.nan, 1])
    assert message.id == "a NaN"


def test_nan_is_written_as_null_and_fp32_as_its_shortest_text():
    """JSON has no NaN; and 0.1 as FP32 is 0.1, not 0.10000000149."""
    message = Message({"y": np.array([0.1, np.nan], dtype=np.float32)}, version="7")

    written = encode_response(message, "m")

    assert written == (
        b'{"model_name":"m","model_version":"7","outputs":'
        b'[{"name":"y","datatype":"FP32","shape":[2],"data":[0.1,null]}]}'
    )


def test_arrays_in_any_layout_are_written_in_row_order():
    """A transposed, sliced or big-endian array is as good as any other."""
    array = np.arange(6, dtype=">f8").reshape(2, 3).T[::2]

    read = decode_response(encode_response(Message({"y": array}), "m"))

    np.testing.assert_array_equal(read.tensors["y"], [[0, 3], [2, 5]])


def test_an_answer_of_the_step_before_is_a_request():
    """KServe's router hands a response on as it is: `outputs` stand where `inputs` are wanted."""
    message = decode_request(body().replace(b'"inputs"', b'"outputs"'))

    assert list(message.tensors) == ["x"]
    assert message.requested == ()


def test_wishes_for_binary_outputs_end_with_the_request():
    """They are between this client and this server, so no step is bothered with them."""
    document = {
        "inputs": [],
        "parameters": {"binary_data_output": True, "keep": 1},
        "outputs": [{"name": "a", "parameters": {"binary_data": False}}, {"name": "b"}],
    }

    request = read_request(orjson.dumps(document))

    assert request.message.parameters == {"keep": 1}
    assert request.message.requested == ("a", "b")
    assert (request.binary("a"), request.binary("b")) == (False, True)


@pytest.mark.parametrize(
    ("tensor", "sentence"),
    [
        ({"data": [1, 2, 3]}, "shape [2], so 2 values, but 3 came"),
        ({"shape": [1, 2], "data": [[1], [2]]}, "nested as [2, 1]"),
        ({"shape": [2, 2], "data": [[1, 2], [3]]}, "different lengths"),
        ({"shape": [2, 2], "data": [[1, 2], 3]}, "different lengths"),
        ({"data": [1, [2]]}, "lists or objects"),
        ({"data": ["1", "2"]}, "its data holds text"),
        ({"data": [1, {}]}, "lists or objects"),
        ({"data": [1, 1e39]}, "too large for FP32"),
        ({"datatype": "INT8", "data": [1, 128]}, "INT8 holds -128 to 127"),
        ({"datatype": "UINT64", "data": [-1, 0]}, "UINT64 holds 0 to"),
        ({"datatype": "INT64", "data": [1.5, 2]}, "fractions"),
        ({"datatype": "INT64", "data": [None, 2]}, "null"),
        ({"datatype": "BOOL", "data": [0, 1]}, "whole numbers"),
        ({"datatype": "BYTES", "data": ["a", None]}, "null"),
        ({"datatype": "FLOAT"}, "datatype 'FLOAT'"),
        ({"datatype": "BF16"}, "send it as FP32"),
        ({"datatype": ["FP32"]}, "datatype"),
        ({"shape": [-2]}, "-2 in its shape"),
        ({"shape": [True, 2]}, "True in its shape"),
        ({"shape": [2.0]}, "2.0 in its shape"),
        ({"shape": 2}, "needs a shape"),
        ({"shape": [0, 2**62], "data": []}, "too large"),
        ({"shape": [1] * 40}, "at most 32 sizes"),
        ({"data": "12"}, "must be a list"),
        ({"name": ""}, "name of a tensor"),
        ({"name": None}, "name of a tensor"),
    ],
)
def test_what_is_wrong_with_a_tensor_is_said(tensor, sentence):
    """The sender reads which tensor, and what to change."""
    with pytest.raises(Malformed) as caught:
        decode_request(body(**tensor))

    assert sentence in caught.value.message


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({}, '"inputs" (tensors), "data" (columns) or "entities"'),
        ({"instances": [1]}, '"inputs" (tensors)'),
        ({"inputs": {}}, "list of objects"),
        ({"inputs": [1]}, "list of objects"),
        ({"inputs": [], "id": 7}, '"id" must be text'),
        ({"inputs": [], "parameters": [1]}, '"parameters" must be an object'),
        ({"inputs": [], "parameters": {"p": {"a": 1}}}, "as JSON text"),
        ({"inputs": [], "parameters": {"p": None}}, "not None"),
        ({"inputs": [], "parameters": {"binary_data_output": "yes"}}, "true or false"),
        ({"inputs": [], "outputs": [{"name": "a"}, {"name": "a"}]}, "asked for twice"),
        ({"inputs": [], "outputs": "a"}, "list of objects"),
        *(({"inputs": [], "outputs": empty}, "list of objects") for empty in ({}, "", 0, False)),
    ],
)
def test_what_is_wrong_with_the_body_is_said(document, sentence):
    """Everything around the tensors is checked too."""
    with pytest.raises(Malformed) as caught:
        decode_request(orjson.dumps(document))

    assert sentence in caught.value.message


@pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b"null", b"\xff", b'{"id": Infinity}', b"NaN"])
def test_what_is_no_json_object_is_refused(raw):
    """No reader's own exception comes out."""
    with pytest.raises(Malformed, match=r"JSON"):
        decode_request(raw)


def test_two_tensors_of_one_name_are_refused():
    """The second would replace the first in silence."""
    document = orjson.loads(body())
    document["inputs"] *= 2

    with pytest.raises(Malformed, match=r"'x' comes twice"):
        decode_request(orjson.dumps(document))


def test_outputs_are_selected_in_the_order_asked():
    """The client's order is the answer's order."""
    message = Message({"a": np.zeros(1), "b": np.ones(1)}, {"p": 1}, "id", version="7")

    chosen = select(message, ("b", "a"))

    assert list(chosen.tensors) == ["b", "a"]
    assert (chosen.parameters, chosen.id, chosen.version) == ({"p": 1}, "id", "7")


def test_an_unknown_output_is_named():
    """The sentence lists what there is."""
    with pytest.raises(Malformed, match=r"no output 'c'.*\['a'\]"):
        select(Message({"a": np.zeros(1)}), ("c",))
