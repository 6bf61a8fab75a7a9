"""Nothing that a client sends makes a layout fail in any way but by an error that tells the client what is wrong."""

import any_tensors
import numpy as np
import pytest
from hypothesis import given, settings

from twinpin.pair.signature import Spec
from twinpin.preprocess.arrays import ArrayLayout, AsSent
from twinpin.preprocess.columns import ColumnLayout
from twinpin.preprocess.pyfunc import framed
from twinpin.preprocess.table import gaps
from twinpin.step.errors import TwinpinError

KINDS = ["double", "float", "long", "integer", "boolean", "string", "datetime", "binary"]

LAYOUTS = {
    "columns": ColumnLayout([Spec(kind, kind) for kind in KINDS]),
    "numbers": ColumnLayout([Spec("a", "double"), Spec("b", "long"), Spec("temp_lag_0", "float")]),
    "optional": ColumnLayout([Spec("a", "double", required=False), Spec("site", "string", required=False)]),
    "arrays": ColumnLayout([Spec("a", "double", array=True), Spec("temp_lag_1", "boolean")]),
    "one tensor": ArrayLayout([Spec(None, "float32", (-1, 2))]),
    "tensors": ArrayLayout([Spec("a", "float64", (-1, 2)), Spec("b", "int8", (-1,))]),
    "nothing declared": AsSent(),
}
NAMES = ["a", "b", "temp", "site", *KINDS]


def taken(layout, tensors):
    """What a layout makes of tensors, or the sentence with which it refuses them."""
    try:
        return layout.take(tensors)
    except TwinpinError as refused:
        return refused.message


@pytest.mark.parametrize("kind", LAYOUTS)
@settings(max_examples=150, deadline=None)
@given(tensors=any_tensors.any_tensors(NAMES))
def test_any_tensors_are_taken_or_refused_with_a_sentence(kind, tensors):
    """What is taken has as many rows as were sent, and can be given to the preprocessor."""
    with np.errstate(all="ignore"):
        made = taken(LAYOUTS[kind], tensors)

    if isinstance(made, str):
        assert made.endswith(".")
    else:
        frame = framed(made)
        parts = list(frame.values()) if isinstance(frame, dict) else [frame]
        assert {len(each) for each in parts} <= {len(values) for values in tensors.values()}
        assert isinstance(gaps(made), list)
