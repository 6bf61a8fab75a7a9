"""The xgboost flavour of an MLflow model, read from its MLmodel file without MLflow."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twinpin.pair.signature import Signature, parse_signature, read_mlmodel
from twinpin.step.errors import CannotStart

#: Key of MLmodel's `metadata` that names the value the model reads as missing. XGBoost's scikit-learn API takes such a
#: value (`missing=`) but neither it nor MLflow stores it, so that without this key NaN is the missing value.
MISSING = "twinpin.missing"


@dataclass(frozen=True, slots=True)
class Flavour:
    """What MLmodel says of an xgboost model."""

    file: Path
    #: Qualified name of the class that was logged: xgboost.core.Booster, xgboost.sklearn.XGBRegressor, ...
    model_class: str
    missing: float
    signature: Signature | None


def read_flavour(tree: Path) -> Flavour:
    """Read the flavour of an artifact *tree*; CannotStart where it is not an xgboost model."""
    mlmodel = read_mlmodel(tree)
    flavour = (mlmodel.get("flavors") or {}).get("xgboost")
    if not flavour:
        found = ", ".join(mlmodel.get("flavors") or {}) or "none"
        raise CannotStart(f"The model has no xgboost flavour (it has {found}): log it with mlflow.xgboost.log_model.")
    return Flavour(
        file=_inside(tree, flavour.get("data", "model.xgb")),
        model_class=flavour.get("model_class", "xgboost.core.Booster"),
        missing=_missing(mlmodel),
        signature=parse_signature(mlmodel),
    )


def _inside(tree: Path, name: str) -> Path:
    """The model's file, which lies in the tree."""
    file = (tree / name).resolve()
    if not file.is_relative_to(tree.resolve()) or not file.is_file():
        raise CannotStart("The model's artifact lacks the file that its MLmodel names: log the model anew.")
    return file


def _missing(mlmodel: Mapping[str, Any]) -> float:
    """The value that stands for a missing one."""
    declared = (mlmodel.get("metadata") or {}).get(MISSING, "nan")
    try:
        return float(declared)
    except (TypeError, ValueError) as error:
        raise CannotStart(f"The model's metadata {MISSING} is not a number: log the model anew.") from error
