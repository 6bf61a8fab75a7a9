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
    observe: bool = setting(
        default=False, help="Sum up inputs and forecasts of each pair in the metrics, by a few requests a second."
    )
    observe_interval: float = setting(
        0.5, "Seconds between two requests that are looked at for that; 0: each one.", least=0
    )
    observe_columns: int = setting(
        32, "Numeric inputs that are summed up: the first so many of the signature.", least=1
    )
