"""Features step: entity keys in, raw feature columns out."""

from twinpin.features.settings import Settings
from twinpin.features.step import FeaturesStep
from twinpin.features.window import Status

__all__ = ["FeaturesStep", "Settings", "Status", "load"]


def load(settings: Settings) -> FeaturesStep:
    """Open the feature store and make the step, warm: one row was read when this returns.

    Raises `CannotStart` where settings or repository are wrong, and `Unavailable` where the store is down: starting
    again later may then succeed. The first `check` makes the client of the event loop it runs on, so call it before
    the first request; step, checks and `close` belong to that loop.
    """
    from twinpin.features.store import FeastStore  # noqa: PLC0415 -- Feast takes four seconds to import

    return FeaturesStep(FeastStore.open(settings), settings)
