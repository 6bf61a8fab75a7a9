"""Settings of the features step."""

from dataclasses import dataclass
from pathlib import Path

from twinpin.settings import setting
from twinpin.step.errors import CannotStart


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Which features to read, for whom, and how old they may be."""

    feature_repo: Path | None = setting(
        None, "Feast repository: the folder that holds feature_store.yaml, or that file."
    )
    feature_service: str | None = setting(
        None, "Name of the Feast FeatureService whose features the model was fitted on."
    )
    entity_key: str | None = setting(
        None, "Join key that names an entity; by default the only one that the service has."
    )
    default_entity: str | None = setting(
        None, "Entity of a request that names none; by default such a request is refused."
    )
    window: int | None = setting(None, "Newest values of each window to pass on; by default all that the store holds.")
    resolution: float = setting(3600.0, "Seconds between two values of a window.")
    max_age: float | None = setting(
        None, "Seconds after which features are stale for 'now'; by default the view's ttl, where it has one."
    )
    max_entities: int = setting(1000, "Most entities of one request.")
    store_timeout: float = setting(2.0, "Seconds that one read of the online store may take.")

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense."""
        for name in ("window", "resolution", "max_age", "max_entities", "store_timeout"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise CannotStart(f"The setting {name} is {value}: it must be more than 0.")
