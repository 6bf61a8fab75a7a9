"""Where the example of a pair comes from, and what is made of the answer to it."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml

from twinpin.pair.example import Example, example_metadata, judge, read_example

PAIR = "p1-m1-aaaaaa"


def answer(*values, pair=PAIR):
    """An answer of predict."""
    return {"outputs": [{"data": list(values)}], "parameters": {"pair": pair}}


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        (answer(1.0, 2.0), None),
        (answer(1.00001, 2.0), None),
        (answer(1.1, 2.0), "Value 0 of the forecast is 1.1"),
        (answer(1.0), "has 1 values, the recorded one 2"),
        (answer(1.0, float("nan")), "not finite"),
        (answer(1.0, 2.0, pair="p2-m2-bbbbbb"), "of pair p2-m2-bbbbbb"),
        ({"error": "no"}, "holds no forecast"),
    ],
)
def test_a_forecast_is_right_when_it_is_the_recorded_one(given, wrong):
    """Rounding apart, every value and the pair have to be the same."""
    said = judge(given, Example({"a": [1]}, [1.0, 2.0]), PAIR)

    assert said is None if wrong is None else wrong in said


def test_without_a_record_any_finite_forecast_of_the_pair_will_do():
    """There is nothing to compare with."""
    assert judge(answer(5.0), Example({"a": [1]}), PAIR) is None


def trees(folder, mlmodel, serving=None):
    """Lay out two artifact trees."""
    for name in ("preprocessor", "model"):
        (folder / name).mkdir()
        (folder / name / "MLmodel").write_text(yaml.safe_dump(mlmodel))
    if serving is not None:
        (folder / "preprocessor" / "serving_input_example.json").write_text(json.dumps(serving))
    return folder / "preprocessor", folder / "model"


def test_the_record_of_the_model_goes_first(tmp_path):
    """It has the forecast too."""
    recorded = {"data": {"a": [1]}, "prediction": [[1.0, 2.0]]}

    found = read_example(*trees(tmp_path, {"metadata": {"twinpin_example": recorded}}, {"dataframe_split": {}}))

    assert found == Example({"a": [1]}, [1.0, 2.0])
    assert Example.parse(found.text) == found


def test_the_input_example_of_the_preprocessor_comes_next(tmp_path):
    """It is turned into columns."""
    split = {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}}

    found = read_example(*trees(tmp_path, {}, split))

    assert found == Example({"a": [1, 3], "b": [2, 4]})


@pytest.mark.parametrize("serving", [None, {"inputs": [[1]]}, [1]])
def test_a_pair_without_an_example_has_none(tmp_path, serving):
    """Nothing is made up."""
    assert read_example(*trees(tmp_path, {}, serving)) is None


def test_a_training_job_records_it_in_one_line(tmp_path):
    """What pandas and numpy hold becomes what a request says: gaps are null, times are text, windows are lists."""
    rows = pd.DataFrame(
        {
            "a": np.array([1.5, np.nan], dtype=np.float32),
            "n": [1, 2],
            "at": pd.to_datetime(["2026-01-01T00:00Z", None]),
            "window": [np.array([1.0, 2.0]), np.array([3.0, np.nan])],
            "name": ["x", "y"],
        }
    )
    metadata = example_metadata(rows, np.array([[1, 2], [3, 4]], dtype=np.float32))

    found = read_example(*trees(tmp_path, {"metadata": json.loads(json.dumps(metadata, allow_nan=False))}))

    assert found.data == {
        "a": [1.5, None],
        "n": [1, 2],
        "at": ["2026-01-01T00:00:00+00:00", None],
        "window": [[1.0, 2.0], [3.0, None]],
        "name": ["x", "y"],
    }
    assert found.prediction == [1.0, 2.0, 3.0, 4.0]
    assert example_metadata(rows[["n"]], pd.DataFrame({"h": [1.0, 2.0]}))["twinpin_example"]["prediction"] == [
        [1.0],
        [2.0],
    ]


def test_gaps_that_were_recorded_by_hand_are_sent_as_null(tmp_path):
    """JSON has no word for them, and a step refuses a body that says NaN."""
    recorded = {"data": {"a": [float("nan"), 1.0]}, "prediction": [1.0]}

    found = read_example(*trees(tmp_path, {"metadata": {"twinpin_example": recorded}}))

    assert found.data == {"a": [None, 1.0]}
