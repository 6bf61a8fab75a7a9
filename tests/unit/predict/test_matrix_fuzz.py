"""Nothing that a client sends makes the matrix fail in any way but by an error that tells what is wrong."""

import any_tensors
import numpy as np
from hypothesis import given, settings

from twinpin.predict.matrix import Matrices
from twinpin.step.errors import TwinpinError

NAMES = ["a", "b", "c"]


def taken(matrices, tensors):
    """The matrix that is made of tensors, or the sentence with which they are refused."""
    try:
        return matrices.take(tensors)
    except TwinpinError as refused:
        return refused.message


@settings(max_examples=400, deadline=None)
@given(tensors=any_tensors.any_tensors(NAMES))
def test_any_tensors_make_a_matrix_or_a_sentence(tensors):
    """What is taken has the model's width, in FP32, and no infinity."""
    for names in (NAMES, None):
        made = taken(Matrices(3, names, ["c", "a", "b"]), tensors)

        if isinstance(made, str):
            assert made.endswith(".")
        else:
            assert (made.shape[1], made.dtype) == (3, np.float32)
            assert not np.isinf(made).any()
