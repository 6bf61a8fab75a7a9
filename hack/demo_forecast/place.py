"""Place: the folder where the demo keeps what it made, so that a second start is fast."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

_CODE = Path(__file__).parent
_LOCK = _CODE.parents[1] / "uv.lock"

#: The modules that decide what is learned, registered and stored; a change in one of them starts anew.
DECIDING = ("weather.py", "rows.py", "training.py", "registering.py", "filling.py")


@dataclass(frozen=True, slots=True)
class Place:
    """One demo's state: other training code, another lock file, registry or store have a place of their own."""

    root: Path
    mlflow_uri: str | None
    redis: str | None

    @property
    def registry(self) -> Path:
        """Folder of the embedded MLflow registry, or of the note that a remote one has the pair."""
        return self.root / "registry" / _word(self.mlflow_uri)

    @property
    def registry_uri(self) -> str:
        """Where the pair is registered."""
        return self.mlflow_uri or f"sqlite:///{self.registry / 'mlflow.db'}"

    @property
    def artifacts(self) -> Path | None:
        """Folder of the artifacts; a remote registry has its own store for them."""
        return None if self.mlflow_uri else self.registry / "artifacts"

    @property
    def registered(self) -> Path:
        """Written last, when both pairs are in the registry: which versions, and what they are worth."""
        return self.registry / "registered.json"

    @property
    def features(self) -> Path:
        """The Feast repository."""
        return self.root / "features" / _word(self.redis)

    @property
    def serving(self) -> Path:
        """What `twinpin serve` writes: pin, pair and artifact cache."""
        return self.root / "serving" / _word(self.mlflow_uri)

    def clear(self) -> None:
        """Forget everything."""
        shutil.rmtree(self.root, ignore_errors=True)


def place(mlflow_uri: str | None, redis: str | None) -> Place:
    """Find the place below the user's cache folder, keyed by the demo's code and the lock file."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Place(cache / "twinpin" / "demo" / _key(), mlflow_uri, redis)


def _key() -> str:
    """Hash what decides about the pair and the features."""
    digest = hashlib.sha256()
    for file in [*(_CODE / name for name in DECIDING), *sorted((_CODE / "features_repo").glob("*.*")), _LOCK]:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def _word(address: str | None) -> str:
    """Name a folder for an address that may hold a password."""
    return "embedded" if address is None else hashlib.sha256(address.encode()).hexdigest()[:12]
