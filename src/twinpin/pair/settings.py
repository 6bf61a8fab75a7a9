"""Settings of everything that has to do with the pair: where it is registered, and where it lies on disk."""

import dataclasses
from pathlib import Path

import click

from twinpin.settings import setting


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where the pair comes from, and where it goes."""

    registry_uri: str | None = setting(
        None, "MLflow registry; without it MLFLOW_REGISTRY_URI, else MLFLOW_TRACKING_URI, says where it is."
    )
    tracking_uri: str | None = setting(
        None, "MLflow tracking server, for runs and artifacts; without it MLFLOW_TRACKING_URI, else the registry."
    )
    preprocessor_name: str = setting("xgboost_preprocessor", "Registered model that holds the preprocessor.")
    model_name: str = setting("xgboost_model", "Registered model that holds the model.")
    alias: str = setting("production", "Alias that both halves of the pair carry.")
    rollout: str = setting("r1", "Name of the rollout: all that start under one name serve one pair.")
    pair_dir: Path = setting(Path("/mnt/pair"), "Folder of the verified pair: pin.json, preprocessor/ and model/.")
    pins_dir: Path | None = setting(
        None, "Folder that records the pair of each rollout, shared by all that start; by default inside the pair's."
    )
    pins_configmap: str | None = setting(
        None,
        "ConfigMap that owns the Pins of a release, each of them NAME-ROLLOUT beside it; by default Pins are files.",
    )
    namespace: str | None = setting(None, "Namespace of that ConfigMap; by default the pod's own, or the context's.")
    cache_dir: Path | None = setting(
        None, "Folder that keeps downloaded artifacts by digest, so that a late start needs no registry."
    )
    cache_keep: int = setting(16, "How many artifact trees the cache keeps.")
    resolve_deadline: float = setting(300.0, "Seconds for which a temporary fault is tried again.")
    lease_seconds: float = setting(60.0, "Seconds after which a promotion that says nothing more is taken for dead.")
    promoter: str | None = setting(None, "Who moves the alias, for the record; by default the user and the host.")

    def __post_init__(self) -> None:
        """Refuse two places for the Pins."""
        if self.pins_dir and self.pins_configmap:
            raise click.UsageError("Pins lie in one place: give --pins-dir or --pins-configmap, not both.")
