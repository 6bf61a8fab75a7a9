"""Example: what to send to a pair, and the forecast that must come back.

It is recorded in the model's MLmodel file, under the metadata `twinpin_example`: {"data": {column: [values]},
"prediction": [floats]}; a training job makes it with `example_metadata`. Without one the preprocessor's input example
is taken, and a finite forecast of the right pair is all that can be asked.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twinpin.pair.signature import read_mlmodel

#: Where the stamp stands among an answer's parameters.
PAIR = "pair"
METADATA = "twinpin_example"
SERVING_EXAMPLE = "serving_input_example.json"

#: How far a forecast may be from the recorded one: single precision, computed by another build of XGBoost.
RELATIVE, ABSOLUTE = 1e-4, 1e-5


@dataclass(frozen=True, slots=True)
class Example:
    """What to send, and what to expect where that is known."""

    data: Mapping[str, Any]
    prediction: Sequence[float] | None = None

    @classmethod
    def parse(cls, text: str) -> "Example":
        """Read what `text` wrote."""
        found = json.loads(text)
        return cls(found["data"], found.get("prediction"))

    @property
    def text(self) -> str:
        """The example as it is kept beside the Pin."""
        return json.dumps({"data": self.data, "prediction": self.prediction})


def example_metadata(rows: Any, forecast: Any) -> dict[str, Any]:
    """Make the metadata to log a model with: the forecast that its pair has to give for these rows wherever it serves.

    `mlflow.xgboost.log_model(model, ..., metadata=example_metadata(rows, forecast))`; *rows* is a data frame, or
    columns by name, as the preprocessor takes them, and *forecast* what the model makes of them. A few rows are enough.
    """
    return {METADATA: {"data": {str(name): _plain(rows[name]) for name in rows}, "prediction": _plain(forecast)}}


def read_example(preprocessor: Path, model: Path) -> Example | None:
    """Find the example in two artifact trees; None when neither has one."""
    recorded = (read_mlmodel(model).get("metadata") or {}).get(METADATA)
    if isinstance(recorded, dict) and "data" in recorded:
        return Example(_plain(recorded["data"]), list(_numbers(recorded.get("prediction") or [])) or None)
    try:
        given = json.loads((preprocessor / SERVING_EXAMPLE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    table = given.get("dataframe_split") if isinstance(given, dict) else None
    if not table:
        return None
    return Example(dict(zip(table["columns"], map(_plain, zip(*table["data"], strict=True)), strict=True)))


def judge(answer: Mapping[str, Any], example: Example, pair: str) -> str | None:
    """Compare an answer to what was recorded."""
    stamp = (answer.get("parameters") or {}).get(PAIR)
    if stamp is not None and stamp != pair:
        return f"The answer is of pair {stamp}."
    try:
        forecast = [value for output in answer["outputs"] for value in _numbers(output["data"])]
    except (KeyError, TypeError, ValueError):
        return "The answer holds no forecast."
    if not forecast or not all(map(math.isfinite, forecast)):
        return "The forecast is empty or not finite."
    return None if example.prediction is None else _differing(forecast, example.prediction)


def _differing(forecast: Sequence[float], recorded: Sequence[float]) -> str | None:
    """Say where a forecast is not the recorded one."""
    if len(forecast) != len(recorded):
        return f"The forecast has {len(forecast)} values, the recorded one {len(recorded)}."
    for place, (now, then) in enumerate(zip(forecast, recorded, strict=True)):
        if not math.isclose(now, then, rel_tol=RELATIVE, abs_tol=ABSOLUTE):
            return f"Value {place} of the forecast is {now:.6g}, the recorded one {then:.6g}."
    return None


def _plain(value: Any) -> Any:
    """Turn arrays, times and missing numbers into what JSON has for them."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    if hasattr(value, "isoformat"):
        return value.isoformat() if value == value else None  # noqa: PLR0124 -- NaT is not itself
    for word in ("tolist", "to_numpy"):  # of arrays, of data frames
        if hasattr(value, word):
            return _plain(getattr(value, word)())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _numbers(data: Any) -> Iterator[float]:
    """Flatten nested lists of numbers."""
    if isinstance(data, list):
        for each in data:
            yield from _numbers(each)
    else:
        yield float(data)
