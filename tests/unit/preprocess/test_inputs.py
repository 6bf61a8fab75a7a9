"""What the preprocess step shows of its inputs: as they came, by the names that its signature has for them."""

import numpy as np
import pair_folders
import pandas as pd
import pytest
from metric_samples import sample
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, Schema
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import FunctionTransformer

from twinpin import preprocess
from twinpin.step.errors import Impossible
from twinpin.step.settings import ObserveSettings
from twinpin.step.step import Context

PAIR = "p7-m12-3fa9c1"
NAMES = ["a", "forecast", "b", "c"]


def seen(column, name="values_total"):
    """One figure of a column."""
    return sample(f"twinpin_observed_{name}", pair=PAIR, column=column)


def frame(rows=20):
    """Rows of four columns, every fourth value of which is missing."""
    values = np.arange(rows * len(NAMES), dtype=float).reshape(rows, -1)
    return pd.DataFrame(np.where(values % 4 == values // 4 % 4, np.nan, values), columns=NAMES)


@pytest.fixture
async def load(tmp_path):
    """Load a preprocessor that imputes, with its inputs observed."""
    steps = []

    def loaded(given, signature, transformer=None, **settings):
        made = transformer or SimpleImputer().fit(given)
        pair_folders.save_sklearn(made, tmp_path / "preprocessor", signature)
        observe = ObserveSettings(**{"observe": True, "observe_interval": 0} | settings)
        folder = pair_folders.preprocessor_folder(tmp_path)
        steps.append(preprocess.load(folder, preprocess.Settings(), observe))
        return steps[-1]

    yield loaded
    for step in steps:
        await step.close()
    assert not seen("a")


def by_name(rows):
    """Each column as a tensor."""
    return {name: rows[name].to_numpy() for name in rows}


def test_inputs_are_shown_as_they_came(load):
    """Before anything is imputed, without the row that warms the step up, and none under the forecast's name."""
    rows = frame()
    step = load(rows, infer_signature(rows))

    for index in range(len(rows)):
        step.run(by_name(rows[index : index + 1]), Context())

    for name in ("a", "b", "c"):
        assert (seen(name), seen(name, "missing_total")) == (20, rows[name].isna().sum())
        assert seen(name, "mean") == pytest.approx(rows[name].mean())
    assert not seen("forecast")


def test_the_first_columns_are_shown(load):
    """As many as the setting says."""
    rows = frame()
    step = load(rows, infer_signature(rows), observe_columns=2)

    step.run(by_name(rows), Context())

    assert [bool(seen(name)) for name in ("a", "b", "c")] == [True, True, False]


def test_what_is_done_at_once_is_seen_too(load):
    """The event loop does most."""
    rows = frame()
    step = load(rows, infer_signature(rows))
    assert step.fast

    step.at_once(by_name(rows[:1]), Context())

    assert seen("b") == 1


def test_a_request_that_is_refused_for_its_gaps_is_seen(load):
    """It is the one to know of."""
    rows = frame()
    step = load(rows, infer_signature(rows), FunctionTransformer().fit(rows))

    with pytest.raises(Impossible, match="missing"):
        step.run(by_name(rows[:1]), Context())

    assert (seen("a"), seen("a", "missing_total")) == (1, 1)


def test_an_optional_column_that_was_left_out_is_missing(load):
    """Whatever stands in its place."""
    rows = frame().fillna(1.0)
    specs = [ColSpec("double", name, required=name != "c") for name in NAMES]
    step = load(rows, ModelSignature(Schema(specs)), FunctionTransformer().fit(rows))

    step.run(by_name(rows[["a", "forecast", "b"]][:2]), Context())

    assert (seen("c"), seen("c", "missing_total")) == (2, 2)
    assert seen("a", "missing_total") == 0


def test_the_columns_of_a_matrix_have_numbers(load):
    """Its signature has no names for them."""
    rows = frame().to_numpy()
    step = load(rows, infer_signature(rows))

    step.run({"matrix": rows}, Context())

    assert (seen("0"), seen("3")) == (4, 4)
    assert seen("0", "missing_total") == np.isnan(rows[::5, 0]).sum()


@pytest.mark.parametrize("settings", [{"observe": False}, {}])
def test_nothing_is_shown_where_nobody_asked_or_nothing_is_declared(load, settings):
    """Names that clients make up would be series without end."""
    rows = frame()
    step = load(rows, None if settings == {} else infer_signature(rows), **settings)

    step.run(by_name(rows), Context())

    assert step.observed is None
    assert not seen("a")
