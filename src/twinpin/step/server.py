"""Serve one step as a `kserve.Model` on `kserve.ModelServer`: the only module that imports kserve."""

from twinpin.step.settings import Settings
from twinpin.step.step import Step


def serve_step(step: Step, settings: Settings) -> None:
    """Serve *step*, which is loaded and warm, until SIGTERM or SIGINT; then drain and close it."""
    raise NotImplementedError
