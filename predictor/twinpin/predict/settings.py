"""Settings of the predict step."""

from dataclasses import dataclass
from typing import Literal

from twinpin.settings import setting


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the booster runs, and on how many threads."""

    device: Literal["auto", "cpu", "cuda"] = setting(
        "auto", "Where the booster runs: cuda needs a GPU and the CUDA wheel, auto takes cuda where both are there."
    )
    predict_threads: int = setting(
        1,
        "Threads of one prediction, 0 for as many as the container has CPUs: more than 1 pays for large batches only.",
    )
    predict_fast_path: bool = setting(
        default=True, help="Walk the trees of a few rows by numpy where that is proven equal at start."
    )
