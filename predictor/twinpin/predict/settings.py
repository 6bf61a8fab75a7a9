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
    predict_threads: int | None = setting(
        None, "Threads that one prediction may use; without it, as many as the container has CPUs."
    )
