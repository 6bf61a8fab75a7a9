"""The preprocess step: raw columns in, one matrix out (any MLflow pyfunc)."""

from pathlib import Path
from typing import TYPE_CHECKING

from twinpin.preprocess.settings import Settings
from twinpin.step.settings import ObserveSettings

if TYPE_CHECKING:
    from twinpin.preprocess.step import PreprocessStep

__all__ = ["Settings", "load"]


def load(pair_dir: Path, settings: Settings, observe: ObserveSettings | None = None) -> "PreprocessStep":
    """Load the preprocessor of a pair folder, prove its fast path, run it once; CannotStart where it cannot serve."""
    from twinpin.preprocess import step  # noqa: PLC0415 -- MLflow and pandas take a second to import

    return step.load(pair_dir, settings, observe or ObserveSettings())
