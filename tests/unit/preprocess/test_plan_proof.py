"""A numpy plan is used only where it is proven to give what scikit-learn gives, refusals included."""

import numpy as np
import pair_folders
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)

from twinpin.preprocess.encoder import Unsupported
from twinpin.preprocess.plan import Plan, find_estimator, make_plan
from twinpin.preprocess.proof import prove
from twinpin.preprocess.result import to_matrix
from twinpin.step.errors import Impossible

NAMES = ["a", "b", "hour"]


def frame(rows=120):
    """Two measurements with gaps and an hour."""
    draw = np.random.default_rng(3)
    made = pd.DataFrame(draw.normal(1000, 200, size=(rows, 2)), columns=["a", "b"])
    made = made.mask(draw.random(made.shape) < 0.1)
    made["hour"] = draw.integers(0, 6, rows).astype(float)
    return made


def runner(estimator):
    """The estimator itself as a function of a matrix."""

    def run(matrix):
        try:
            return to_matrix(estimator.transform(pd.DataFrame(matrix, columns=NAMES)), len(matrix), None)
        except ValueError as error:
            raise Impossible("refused") from error

    return run


def columns(*parts, **options):
    """A fitted ColumnTransformer."""
    return ColumnTransformer(list(parts), **options).fit(frame())


SUPPORTED = {
    "mean": make_pipeline(SimpleImputer()),
    "most frequent": make_pipeline(SimpleImputer(strategy="most_frequent")),
    "constant": make_pipeline(SimpleImputer(strategy="constant", fill_value=-1)),
    "marked": make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()),
    "own marker": make_pipeline(SimpleImputer(), SimpleImputer(missing_values=0)),
    "standard": make_pipeline(StandardScaler()),
    "standard without mean": make_pipeline(StandardScaler(with_mean=False)),
    "standard without deviation": make_pipeline(StandardScaler(with_std=False)),
    "range": make_pipeline(MinMaxScaler((-1, 2))),
    "clipped range": make_pipeline(MinMaxScaler(clip=True)),
    "robust": make_pipeline(RobustScaler()),
    "robust without centre": make_pipeline(RobustScaler(with_centering=False)),
    "maximum": make_pipeline(MaxAbsScaler()),
    "nothing": make_pipeline("passthrough"),
    "function": make_pipeline(FunctionTransformer(np.arctan)),
    "identity": make_pipeline(FunctionTransformer()),
    "encoded": ColumnTransformer([("e", OneHotEncoder(handle_unknown="ignore"), ["hour"])], remainder="passthrough"),
    "strictly encoded": ColumnTransformer([("e", OneHotEncoder(), ["hour"]), ("s", StandardScaler(), ["b", "a"])]),
    "first dropped": ColumnTransformer([("e", OneHotEncoder(drop="first"), ["hour"]), ("d", "drop", ["a"])]),
    "encoded with gaps": ColumnTransformer([("e", OneHotEncoder(handle_unknown="ignore", max_categories=None), ["a"])]),
    "by number": ColumnTransformer([("s", StandardScaler(), [1, -1]), ("m", MinMaxScaler(), slice(0, 1))]),
    "by mask": ColumnTransformer([("s", StandardScaler(), [True, False, True])]),
    "nested": make_pipeline(
        ColumnTransformer(
            [("n", make_pipeline(SimpleImputer(), StandardScaler()), NAMES[:2])], remainder="passthrough"
        ),
        MinMaxScaler(),
    ),
}


@pytest.mark.parametrize("kind", SUPPORTED)
def test_a_plan_is_proven_for_each_kind(kind):
    """What scikit-learn's usual kinds do is done by numpy, to the last bit that counts."""
    estimator = SUPPORTED[kind].fit(frame())

    plan = make_plan(estimator, NAMES)

    prove(plan, [False] * 3, runner(estimator), frame(5).to_numpy())


def tuned(rows):
    """A function that no plan knows."""
    return rows * 1.1


UNSUPPORTED = {
    "a kind without a plan": (make_pipeline(SimpleImputer(), PCA(2)), "PCA is not among"),
    "a function of one's own": (make_pipeline(FunctionTransformer(tuned)), "not numpy's"),
    "rare categories": (
        ColumnTransformer([("e", OneHotEncoder(min_frequency=2, handle_unknown="ignore"), ["hour"])]),
        "infrequent",
    ),
    "weights": (ColumnTransformer([("s", StandardScaler(), ["a"])], transformer_weights={"s": 2.0}), "weights"),
}


@pytest.mark.parametrize("kind", UNSUPPORTED)
def test_what_has_no_plan_says_why(kind):
    """The log can name what stands in the way."""
    estimator, says = UNSUPPORTED[kind]

    with pytest.raises(Unsupported, match=says):
        make_plan(estimator.fit(frame()), NAMES)


LIES = {
    "values": lambda matrix: matrix * (1 + 1e-9),
    "a rare branch": lambda matrix: np.where(matrix > 500_000, 0.0, matrix),
    "gaps": np.nan_to_num,
    "width": lambda matrix: matrix[:, :2],
    "type": lambda matrix: matrix.astype(np.float32),
    "rows": lambda matrix: matrix[:1],
}


@pytest.mark.parametrize("lie", LIES)
def test_a_plan_that_differs_is_not_proven(lie):
    """Any difference in values, gaps, shape or type shows."""
    honest = make_pipeline(FunctionTransformer()).fit(frame())

    with pytest.raises(Unsupported):
        prove(Plan(LIES[lie], []), [False] * 3, runner(honest), frame(5).to_numpy())


def test_a_plan_that_accepts_more_is_not_proven():
    """An encoder that refuses unknown categories must be refused by the plan too."""
    strict = columns(("e", OneHotEncoder(), ["hour"]))
    lax = make_plan(columns(("e", OneHotEncoder(handle_unknown="ignore"), ["hour"])), NAMES)

    with pytest.raises(Unsupported, match="refuses other rows"):
        prove(lax, [False] * 3, runner(strict), frame(5).to_numpy())


def test_a_preprocessor_that_refuses_everything_proves_nothing():
    """Two that refuse the same rows are not shown to be equal on any other."""

    def refuse(_matrix):
        raise Impossible("never")

    with pytest.raises(Unsupported, match="nothing was compared"):
        prove(Plan(refuse, []), [False] * 3, refuse, None)


def test_a_model_of_ones_own_must_hold_exactly_one_transformer():
    """With two it is not known which one answers."""

    class Model:
        def __init__(self, **held):
            vars(self).update(held)

    one = StandardScaler().fit(frame())

    assert find_estimator(Model(name="x", scaler=one)) is one
    with pytest.raises(Unsupported, match="holds 2"):
        find_estimator(Model(first=one, second=one))
    with pytest.raises(Unsupported, match="holds 0"):
        find_estimator(Model())


PIPELINE = pair_folders.lag_pipeline().fit(pair_folders.lag_rows())
COLUMNS = list(pair_folders.lag_rows(1).columns)
LAG_PLAN = make_plan(PIPELINE, COLUMNS)
FINITE = st.floats(-1e12, 1e12) | st.just(np.nan) | st.integers(0, 30).map(float)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.lists(FINITE, min_size=len(COLUMNS), max_size=len(COLUMNS)), min_size=1, max_size=3))
def test_the_plan_of_a_whole_pipeline_equals_it_on_any_rows(rows):
    """Impute, scale and encode, gaps and strange values included."""
    matrix = np.array(rows)

    expected = PIPELINE.transform(pd.DataFrame(matrix, columns=COLUMNS))

    np.testing.assert_allclose(LAG_PLAN(matrix), expected, rtol=1e-12, atol=1e-12)


def test_a_pipeline_is_left_as_it_was():
    """The plan writes into no array that it was given."""
    matrix = np.full((2, len(COLUMNS)), np.nan)
    LAG_PLAN(matrix)

    assert np.isnan(matrix).all()
    assert isinstance(PIPELINE, Pipeline)


@pytest.mark.parametrize(("hour", "shown"), [(44.5, "holds 44.5"), (np.nan, "holds no value")])
def test_a_value_that_is_no_category_is_named_with_those_that_are(hour, shown):
    """Whoever sent it finds it in the request, and sees what to send."""
    plan = make_plan(columns(("e", OneHotEncoder(), ["hour"])), NAMES)
    with pytest.raises(Impossible) as caught:
        plan(np.array([[1.0, 2.0, 3.0], [1.0, 2.0, hour]]))

    assert f"Row 1 {shown}" in caught.value.message
    assert "0, 1, 2, 3, 4, 5: send one of them" in caught.value.message
