"""Settings of the preprocess step."""

from dataclasses import dataclass

from twinpin.settings import setting


@dataclass(frozen=True, slots=True)
class Settings:
    """What may pass, and how the preprocessor is run."""

    allow_missing: bool = setting(
        default=False, help="Let values that the preprocessor does not impute reach the model as missing ones."
    )
    preprocess_fast_path: bool = setting(
        default=True, help="Run scikit-learn preprocessors as plain numpy where that is proven equal at start."
    )
