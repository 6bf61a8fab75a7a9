"""Version: one version of one registered model, as the registry tells it; Pair: two of them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from twinpin.pair.pin import Half

#: Tag on a model version that names its pair.
PAIR_TAG = "twinpin.pair"

Status = Literal["READY", "PENDING", "FAILED"]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one registered model; everything about it but its artifacts."""

    name: str
    version: str
    run_id: str | None = None
    model_id: str | None = None
    status: Status = "READY"
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The version as people name it."""
        return f"{self.name} {self.version}"

    @property
    def pair_tag(self) -> str | None:
        """Id of the pair that it says it belongs to; an empty tag says nothing."""
        return self.tags.get(PAIR_TAG) or None

    def half(self, digest: str) -> Half:
        """Make the half of a Pin from it."""
        return Half(name=self.name, version=self.version, run_id=self.run_id, model_id=self.model_id, digest=digest)


class Pair(NamedTuple):
    """A preprocessor and a model that are looked at together, whether or not they belong together."""

    preprocessor: Version
    model: Version

    @property
    def versions(self) -> "Versions":
        """The two version numbers."""
        return Versions(self.preprocessor.version, self.model.version)


class Versions(NamedTuple):
    """Two version numbers; None where the alias is not set."""

    preprocessor: str | None
    model: str | None

    @property
    def label(self) -> str:
        """The head of a pair id: `p7-m12`, with a dash for a half that is not there."""
        if self == (None, None):
            return "none"
        return f"p{self.preprocessor or '-'}-m{self.model or '-'}"


def stamp(preprocessor: Half, model: Half) -> str:
    """Make the id of a pair: `p7-m12-3fa9c1`, the last part over names, versions and contents of both halves."""
    content = "\0".join(f"{half.name}\0{half.version}\0{half.digest}" for half in (preprocessor, model))
    return f"p{preprocessor.version}-m{model.version}-{hashlib.sha256(content.encode()).hexdigest()[:6]}"
