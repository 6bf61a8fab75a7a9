"""Results: what a run measured, on what, kept as JSON after each server, so that a run that is cut loses none."""

import json
import os
import platform
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

#: One load or one reading: figures by name.
Figures = dict[str, float]
#: What one round saw of one server: by kind and clients (`payload/8`, `grpc payload/8`), and `server` for the rest.
Round = dict[str, Figures]

NAN = float("nan")
PACKAGES = ("twinpin", "kserve", "feast", "mlflow", "xgboost-cpu", "numpy")


@dataclass
class Results:
    """The rounds of each server, and the sentence that stand above the tables."""

    about: str
    clients: list[int]
    rounds: dict[str, list[Round]] = field(default_factory=dict)

    def figure(self, name: str, cell: str, figure: str) -> float:
        """Return the median over the rounds that have it; NaN where none has."""
        rounds = self.rounds.get(name, [])
        return median(each[cell][figure] for each in rounds if figure in each.get(cell, {}))

    def add(self, name: str, measured: Round, path: Path) -> None:
        """Take one more round in, and keep everything."""
        self.rounds.setdefault(name, []).append(measured)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(asdict(self), indent=1))
        part.replace(path)


def load(path: Path) -> Results:
    """Read what a run kept."""
    return Results(**json.loads(path.read_text()))


def median(values: Iterable[float]) -> float:
    """Return the median; NaN of nothing."""
    numbers = list(values)
    return statistics.median(numbers) if numbers else NAN


def about(seconds: float) -> str:
    """Say on what and how the figures are measured."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{os.cpu_count()} cores ({_processor()}), Python {platform.python_version()}, {packages}; medians of "
        f"interleaved rounds of {seconds:g} s, longer for slow servers; one compute thread per process; load by wrk "
        "(HTTP) and a Python client (gRPC) on the same cores."
    )


def _processor() -> str:
    """Return the processor's name, or the machine's kind where Linux does not tell."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
