"""The predict step: a matrix in, a forecast out (XGBoost, cpu or cuda)."""

from pathlib import Path
from typing import TYPE_CHECKING

from twinpin.predict.settings import Settings
from twinpin.step.settings import ObserveSettings

if TYPE_CHECKING:
    from twinpin.predict.step import PredictStep

__all__ = ["Settings", "load"]


def load(pair_dir: Path, settings: Settings, observe: ObserveSettings | None = None) -> "PredictStep":
    """Load the model of a pair folder and predict once; CannotStart where it cannot serve."""
    from twinpin.predict import step  # noqa: PLC0415 -- XGBoost takes a second to import

    return step.load(pair_dir, settings, observe or ObserveSettings())
