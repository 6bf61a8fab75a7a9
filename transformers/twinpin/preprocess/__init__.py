"""The preprocess step: raw columns in, one matrix out (any MLflow pyfunc)."""

from twinpin.preprocess.settings import Settings
from twinpin.preprocess.step import PreprocessStep, load

__all__ = ["PreprocessStep", "Settings", "load"]
