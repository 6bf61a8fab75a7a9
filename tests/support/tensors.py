"""Messages for round trips: every datatype, any shape, text of any language, NaN where it is a number."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from twinpin.step import protocol
from twinpin.step.datatypes import NUMPY
from twinpin.step.step import Message

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
# A lone surrogate is no Unicode text; neither protocol can carry it.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PARAMETERS = st.dictionaries(
    NAMES,
    TEXT | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False),
    max_size=3,
)


def arrays(datatypes=tuple(NUMPY), infinity=True):
    """Arrays of the V2 datatypes named."""

    def build(datatype):
        dtype = NUMPY[datatype]
        shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
        if datatype == "BYTES":
            return hnp.arrays(dtype, shapes, elements=TEXT, fill=st.nothing())
        if dtype.kind == "f":
            elements = st.floats(width=dtype.itemsize * 8, allow_infinity=infinity)
            return hnp.arrays(dtype, shapes, elements=elements)
        return hnp.arrays(dtype, shapes)

    return st.sampled_from(datatypes).flatmap(build)


def messages(**options):
    """Whole messages."""
    return st.builds(
        Message,
        tensors=st.dictionaries(NAMES, arrays(**options), max_size=3),
        parameters=PARAMETERS,
        id=TEXT,
        requested=st.lists(NAMES, unique=True, max_size=2).map(tuple),
    )


def assert_same_tensors(actual, expected):
    """Compare names, order, datatypes, shapes and values; NaN equals NaN."""
    assert list(actual) == list(expected)
    for name, array in expected.items():
        assert actual[name].dtype == array.dtype
        assert actual[name].shape == array.shape
        np.testing.assert_array_equal(actual[name], array)


def sealed(pb):
    """The same request or response as a server or a client of ours gets it: its parts as bytes."""
    kind = protocol.SealedRequest if isinstance(pb, protocol.ModelInferRequest) else protocol.SealedResponse
    return kind.FromString(pb.SerializeToString())
