"""Forecaster: an xgboost model that predicts what MLflow's own loader would, without MLflow or scikit-learn."""

import json
import math
import threading
from typing import Any, Literal

import numpy as np

from twinpin.predict.device import Device, place
from twinpin.predict.flavour import Flavour
from twinpin.predict.pace import pace_of
from twinpin.predict.sdk import xgboost
from twinpin.predict.walk import Walk, find_walk
from twinpin.step.errors import CannotStart

Matrix = np.ndarray

#: Boosters that answer from plain memory, and from any number of threads at once.
INPLACE = ("gbtree", "dart")


class Forecaster:
    """A booster with the habits of the class that it was logged as.

    Called with `[n, width]` numbers it gives `[n, horizon]` FP32. A Booster uses all its trees; a model of the
    scikit-learn API those up to its best iteration; a classifier answers with probabilities, one column per class.
    """

    def __init__(
        self, flavour: Flavour, device: Literal["auto", "cpu", "cuda"], threads: int, *, walks: bool = True
    ) -> None:
        self._booster = _open(flavour, threads)
        config = json.loads(self._booster.save_config())["learner"]
        self._objective = str(config["objective"]["name"])
        self._classes = max(2, int(config["learner_model_param"]["num_class"])) if _classifies(self._booster) else 0
        self._inplace = config["gradient_booster"]["name"] in INPLACE
        self._trees = self._range(flavour)
        self._missing = flavour.missing
        self._one_at_a_time = threading.Lock()
        self.device: Device = place(self._booster, device)
        self.threads = threads
        self.width = int(self._booster.num_features())
        #: Names of the columns that it was trained with; None where it was trained on a bare matrix.
        self.names: tuple[str, ...] | None = tuple(self._booster.feature_names or ()) or None
        self._walk = self._find_walk() if walks else None
        self._pace = pace_of(self._walk, self._boosted, self.width)
        #: Values per row, seen by predicting once: from here on the model is warm.
        self.horizon = self._warm_up()
        #: The quantiles that the values of a row are; none where the model was trained on another loss.
        self.quantiles = _quantiles(config["objective"], self.horizon)

    def __call__(self, matrix: Matrix) -> Matrix:
        """Predict `[n, width]` FP32, NaN where one is missing."""
        if self._walk is not None and len(matrix) <= self._pace.walked:
            return self._walk(matrix)
        return self._boosted(matrix)

    def _boosted(self, matrix: Matrix) -> Matrix:
        """Predict by the booster."""
        if self._classes and self._objective == "multi:softmax":
            return _softmax(self._raw(matrix, margin=True))
        predicted = self._raw(matrix, margin=False)
        if self._classes and not (predicted.ndim == 2 and predicted.shape[1] >= 2):  # noqa: PLR2004 -- two classes
            predicted = predicted.reshape(-1)
            predicted = np.stack((1.0 - predicted, predicted), axis=1)
        return predicted.reshape(-1, 1) if predicted.ndim == 1 else predicted

    @property
    def walks(self) -> bool:
        """Whether few rows take the walk that was proven equal to the booster."""
        return self._walk is not None

    @property
    def walked(self) -> int:
        """Up to how many rows the walk was faster than the booster when both were timed at start."""
        return self._pace.walked

    def brief(self, rows: int) -> bool:
        """Whether so many rows take less than a millisecond."""
        return rows <= self._pace.brief

    def _raw(self, matrix: Matrix, *, margin: bool) -> Matrix:
        """Predict with the booster itself, in place where it can."""
        if self._inplace and self.device == "cpu":
            kind = "margin" if margin else "value"
            return self._booster.inplace_predict(  # type: ignore[no-any-return]
                matrix,
                iteration_range=self._trees,
                predict_type=kind,
                missing=self._missing,
                validate_features=False,
            )
        rows = xgboost.DMatrix(
            matrix, missing=self._missing, nthread=self.threads, feature_types=self._booster.feature_types
        )
        with self._one_at_a_time:
            return self._booster.predict(  # type: ignore[no-any-return]
                rows, output_margin=margin, iteration_range=self._trees, validate_features=False
            )

    def _find_walk(self) -> Walk | None:
        """Few rows are walked by numpy where that is proven equal."""
        if self.device != "cpu" or not self._inplace or self._classes or not math.isnan(self._missing):
            return None
        return find_walk(self._booster, self._trees[1])

    def _range(self, flavour: Flavour) -> tuple[int, int]:
        """The trees to use, as the logged class does: (0, 0) means all."""
        best = self._booster.attr("best_iteration")
        if flavour.model_class.endswith(".Booster") or not self._inplace or best is None:
            return (0, 0)
        return (0, int(best) + 1)

    def _warm_up(self) -> int:
        """Predict one row, so that no request pays for the first; its width is the horizon."""
        predicted = self(np.zeros((1, self.width), dtype=np.float32))
        if predicted.ndim != 2 or len(predicted) != 1:  # noqa: PLR2004 -- rows and values
            raise CannotStart(f"The model gives an array of shape {predicted.shape} for one row, not a row of values.")
        return int(predicted.shape[1])


def _open(flavour: Flavour, threads: int) -> xgboost.Booster:
    """Load the booster from its file."""
    if not flavour.model_class.startswith("xgboost."):
        raise CannotStart(
            f"The model was logged as {flavour.model_class}, whose predictions only that class knows: "
            "log its Booster (model.get_booster()) instead."
        )
    booster = xgboost.Booster({"nthread": threads})
    try:
        booster.load_model(flavour.file)
    except (xgboost.core.XGBoostError, ValueError) as error:
        raise CannotStart(
            f"XGBoost {xgboost.__version__} cannot read the model's file {flavour.file.name}: log the model anew."
        ) from error
    if "c" in (booster.feature_types or ()) and not booster.get_categories().empty():
        raise CannotStart(
            "The model encodes categories by itself, which a matrix of numbers cannot carry: "
            "encode them in the preprocessor and train the model on their codes."
        )
    return booster


def _quantiles(objective: dict[str, Any], values: int) -> tuple[float, ...]:
    """Read what a model of `reg:quantileerror` was trained on: one quantile for each of the *values* of a row."""
    if objective["name"] != "reg:quantileerror":
        return ()
    quantiles = tuple(map(float, json.loads(objective["quantile_loss_param"]["quantile_alpha"])))
    return quantiles if len(quantiles) == values else ()


def _classifies(booster: xgboost.Booster) -> bool:
    """Whether the scikit-learn API saved it as a classifier."""
    saved = booster.attr("scikit_learn")
    return saved is not None and json.loads(saved).get("_estimator_type") == "classifier"


def _softmax(margins: Matrix) -> Matrix:
    """Turn one margin per class into probabilities."""
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]
