"""A model's UBJSON says what its JSON says."""

import json

import numpy as np
import pair_folders
import pytest

from twinpin.predict.ubjson import read_ubjson


def plain(value):
    """The same in Python's own types."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [plain(each) for each in value] if isinstance(value, list) else value


def test_a_model_is_read_as_its_json():
    """Numbers of trees are FP32 in both; JSON writes the shortest decimal of each."""
    draw = np.random.default_rng(0)
    booster = pair_folders.regressor(draw.normal(size=(200, 5)).astype(np.float32)).get_booster()
    found = plain(read_ubjson(booster.save_raw("ubj")))
    expected = json.loads(booster.save_raw("json"))
    trees, others = (each["learner"]["gradient_booster"]["model"].pop("trees") for each in (found, expected))

    assert found == expected
    for tree, other in zip(trees, others, strict=True):
        assert tree.keys() == other.keys()
        for name, value in tree.items():
            if isinstance(value, list):
                np.testing.assert_array_equal(np.float32(value), np.float32(other[name]))
            else:
                assert value == other[name]


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"[i\x01SU\x02abZTF]", [1, "ab", None, True, False]),
        (b"{i\x01a[#i\x02I\x01\x00l\xff\xff\xff\xff}", {"a": [256, -1]}),
        (b"[$D#U\x01?\xf8\x00\x00\x00\x00\x00\x00", [1.5]),
        (b"d\x3f\xc0\x00\x00", 1.5),
        (b"[$U#i\x00", []),
    ],
)
def test_each_kind_of_value_is_read(data, value):
    """Of any size of number."""
    assert plain(read_ubjson(data)) == value


@pytest.mark.parametrize("data", [b"", b"[i\x01", b"SL\xff\xff\xff\xff\xff\xff\xff\xff", b"[$d#i\x04\x00", b"{", b"x"])
def test_what_is_cut_short_is_refused(data):
    """Never half a value."""
    with pytest.raises(ValueError, match=r"ends|begins"):
        read_ubjson(data)
