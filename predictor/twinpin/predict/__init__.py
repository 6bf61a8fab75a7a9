"""The predict step: a matrix in, a forecast out (XGBoost, cpu or cuda)."""

from twinpin.predict.settings import Settings
from twinpin.predict.step import PredictStep, load

__all__ = ["PredictStep", "Settings", "load"]
