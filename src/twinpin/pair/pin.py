"""Pin: the immutable record of the pair that one rollout serves."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Half(BaseModel):
    """One concrete version of one registered model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    run_id: str | None
    #: MLflow's LoggedModel id, m-…; None for a version made before MLflow 3.
    model_id: str | None = None
    #: sha256 over the artifact tree, as `sha256:<hex>`.
    digest: str


class Pin(BaseModel):
    """The pair of one rollout: written once, read by every pod that comes later."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: The stamp: p<preprocessor version>-m<model version>-<six hex digits over both halves>.
    id: str
    rollout: str
    alias: str
    preprocessor: Half
    model: Half
    #: Why the two belong together.
    evidence: Literal["tag", "run", "lineage"]
    created: datetime
