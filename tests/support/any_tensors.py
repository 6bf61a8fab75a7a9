"""Tensors of any type and shape, as a client may send them: for fuzzing steps without a transport."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

TYPES = ["float64", "float32", "float16", "int64", "int32", "int8", "uint64", "uint8", "bool", "object"]


def _filled(dtype, shape):
    """An array of a type and shape; text is of dtype object and holds str."""
    if dtype == "object":
        return st.lists(st.text(max_size=3), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))).map(
            lambda words: np.array(words, dtype=object).reshape(shape)
        )
    return arrays.arrays(np.dtype(dtype), shape)


def any_tensors(names):
    """Up to five tensors, of these names or others, most of them with two rows."""
    axes = st.one_of(
        st.just([2]), st.lists(st.integers(0, 4), max_size=3), st.integers(1, 4).map(lambda wide: [2, wide])
    )
    tensor = st.tuples(st.sampled_from(TYPES), axes.map(tuple)).flatmap(lambda each: _filled(*each))
    return st.dictionaries(st.sampled_from([*names, "matrix", "x", ""]), tensor, max_size=5)
