"""Whatever a request holds, the proven fast path says what the pyfunc says: the same matrix, or the same refusal."""

import numpy as np
import pair_folders
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twinpin import preprocess
from twinpin.step.block import Block
from twinpin.step.errors import TwinpinError
from twinpin.step.step import Context

NAMES = [*pair_folders.lag_names(), "hour"]
DTYPES = ["<f8", "<f4", "<f2", "<i8", "<i4", "|i1", "<u8", "|u1", "|b1"]
#: Values that go wrong most often: gaps, infinities, the ends of types, a category and none.
AWKWARD = [np.nan, np.inf, -np.inf, 0.0, -0.0, 3.0, 23.5, 1e308, -1e308, 1e-310, 2.0**53, 2.0**63, 65_504.0]
NUMBERS = st.sampled_from(AWKWARD) | st.floats(-1e6, 1e6) | st.integers(-(2**40), 2**40).map(float)


def cast(values, dtype):
    """Numbers as a client's narrower or wider type holds them."""
    with np.errstate(all="ignore"):
        return np.nan_to_num(values, posinf=0, neginf=0).astype(dtype) if dtype[1] in "iub" else values.astype(dtype)


@st.composite
def requests(draw):
    """Columns by name, windows, one block or one matrix; some left out, some of other types; one to three rows."""
    rows = draw(st.integers(1, 3))
    wide = np.array(draw(st.lists(NUMBERS, min_size=rows * len(NAMES), max_size=rows * len(NAMES)))).reshape(rows, -1)
    kind = draw(st.sampled_from(["columns", "windows", "block", "matrix"]))
    dtype = draw(st.sampled_from(DTYPES))
    kept = draw(st.permutations(NAMES))[draw(st.sampled_from([0, 0, 0, 1, len(NAMES)])) :]
    if kind == "matrix":
        return {"rows": cast(wide, dtype)}
    if kind == "block":
        return Block(tuple(kept), np.ascontiguousarray(cast(wide, dtype).T[: len(kept)]))
    if kind == "windows":
        lags = pair_folders.LAGS + draw(st.integers(-1, 2))
        windows = {name: cast(np.resize(wide, (rows, lags)), dtype) for name in pair_folders.SERIES}
        return {**windows, "hour": cast(wide[:, -1], draw(st.sampled_from(DTYPES)))}
    return {name: cast(wide[:, place], draw(st.sampled_from([dtype, "<f8"]))) for place, name in enumerate(kept)}


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    """The same preprocessor on the plan and as itself."""
    folder = pair_folders.lag_pair(tmp_path_factory.mktemp("equality"))
    fast, slow = (
        preprocess.load(folder, preprocess.Settings(preprocess_fast_path=each, allow_missing=True))
        for each in (True, False)
    )
    assert (fast.fast, slow.fast) == (True, False)
    return fast, slow


def outcome(run, tensors):
    """The matrix, or what was refused and why."""
    try:
        return run(tensors, Context()).tensors["matrix"]
    except TwinpinError as error:
        return type(error), error.message


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tensors=requests())
def test_both_paths_say_the_same(steps, tensors):
    """Values within 1e-12 of their size, gaps in the same places, refusals in the same words."""
    fast, slow = steps

    given_fast, given_slow = outcome(fast.run, tensors), outcome(slow.run, tensors)

    if isinstance(given_slow, tuple):
        assert given_fast == given_slow
    else:
        np.testing.assert_allclose(given_fast, given_slow, rtol=1e-12, atol=1e-12)


@settings(max_examples=200, deadline=None)
@given(tensors=requests())
def test_a_block_is_taken_as_its_columns_are(steps, tensors):
    """Whichever way the same columns are held, and whether the loop or a thread does the work."""
    fast, _ = steps

    whole, apart = outcome(fast.run, tensors), outcome(fast.run, dict(tensors))

    if isinstance(apart, tuple):
        assert whole == apart
    else:
        np.testing.assert_array_equal(whole, apart)
        np.testing.assert_array_equal(outcome(fast.at_once, tensors), apart)
