"""Halves: one half of a pair on disk, downloaded after it was checked against the other half as a resolver would."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from twinpin.pair import tree
from twinpin.pair.errors import Refused, UnusableFolder
from twinpin.pair.evidence import Evidence, examine
from twinpin.pair.registry import Registry
from twinpin.pair.resolve import aliased_pair
from twinpin.pair.schema import require_fit
from twinpin.pair.settings import Settings
from twinpin.pair.signature import parse_signature
from twinpin.pair.storage_uri import Role, StorageUri
from twinpin.pair.version import Pair, Version

#: What was laid beside it. Not JSON: KServe's XGBoost server takes every .json file for a model.
RECORD = "twinpin.yaml"


class Laid(NamedTuple):
    """What was laid where."""

    version: Version
    role: Role
    #: Head of the pair id; its tail needs the contents of both halves, and one was not downloaded.
    pair: str
    evidence: Evidence
    digest: str
    path: Path

    @property
    def document(self) -> dict[str, str]:
        """The record as a script reads it, and as it lies beside the MLmodel file."""
        return {
            "name": self.version.name,
            "version": self.version.version,
            "role": self.role,
            "pair": self.pair,
            "evidence": self.evidence,
            "digest": self.digest,
        }


@dataclass(frozen=True, slots=True)
class Halves:
    """Lays halves on disk; those of one pair that are asked for together come from one look at the alias."""

    registry: Registry
    _seen: dict[frozenset[str], tuple[Pair, Evidence]] = field(default_factory=dict, init=False)

    def lay(self, uri: StorageUri, path: Path) -> Laid:
        """Put the half into *path*, which may be a mount point and may hold what was laid there before."""
        try:
            path.mkdir(parents=True, exist_ok=True)
            for left in path.glob(f"{tree.SCRATCH}*"):
                tree.discard(left)
            with tree.scratch(path) as room:
                return self._lay(uri, room, path)
        except OSError as error:
            raise UnusableFolder(
                f"{uri.asked} cannot be laid in {path}: {error.strerror or error}. Let PATH be a folder that this user "
                "may write, with room for the artifact."
            ) from error

    def _lay(self, uri: StorageUri, room: Path, path: Path) -> Laid:
        """Check, download, put in place."""
        pair, evidence = self._checked(uri, room)
        preprocessor, model = pair
        version = preprocessor if preprocessor.name == uri.name else model
        made = room / "tree"
        self.registry.download(version, made)
        laid = Laid(
            version=version,
            role="model" if version is model else "preprocessor",
            pair=pair.versions.label,
            evidence=evidence,
            digest=tree.digest(made),
            path=path,
        )
        _install(made, path, laid)
        return laid

    def _checked(self, uri: StorageUri, room: Path) -> tuple[Pair, Evidence]:
        """Find both halves and require that they belong together; once for all that ask for the same two."""
        if uri.both not in self._seen:
            pair, evidence = self._found(uri, room)
            preprocessor, model = (parse_signature(self._mlmodel(version, room)) for version in pair)
            require_fit(preprocessor, model)
            self._seen[uri.both] = pair, evidence
        return self._seen[uri.both]

    def _found(self, uri: StorageUri, room: Path) -> tuple[Pair, Evidence]:
        """Find both halves: by the alias, or the two versions that were named."""
        asked, other = self._look(uri.name, uri.alias, uri.version), self._look(uri.other, uri.alias, uri.other_version)
        first = self._role(uri, asked, other, room) == "preprocessor"
        if uri.alias is None and asked and other:
            pair = Pair(asked, other) if first else Pair(other, asked)
            return pair, examine(self.registry, pair)
        names = (uri.name, uri.other) if first else (uri.other, uri.name)
        return aliased_pair(
            self.registry, Settings(preprocessor_name=names[0], model_name=names[1], alias=str(uri.alias))
        )

    def _look(self, name: str, alias: str | None, version: str | None) -> Version | None:
        """Read one half; None where it does not carry the alias."""
        return self.registry.aliased(name, alias) if alias else self.registry.version(name, str(version))

    def _role(self, uri: StorageUri, asked: Version | None, other: Version | None, room: Path) -> Role:
        """Say which half was asked for: a model is of MLflow's xgboost flavour, a preprocessor of any other."""
        if uri.role or asked is None or other is None:
            return uri.role or "preprocessor"  # without both there is no pair, whichever it would be
        boosted = [_is_boosted(self._mlmodel(version, room)) for version in (asked, other)]
        if boosted[0] == boosted[1]:
            raise Refused(
                f"{'Both' if boosted[0] else 'Neither'} of {asked.label} and {other.label} is an XGBoost model, so say "
                f"which half {uri.name} is: end the URI in &role=preprocessor or &role=model."
            )
        return "model" if boosted[0] else "preprocessor"

    def _mlmodel(self, version: Version, room: Path) -> Mapping[str, Any]:
        """Read the MLmodel file of a version."""
        with tree.scratch(room) as folder:
            return self.registry.mlmodel(version, folder)


def _is_boosted(mlmodel: Mapping[str, Any]) -> bool:
    """Whether this is what the predict step takes."""
    return "xgboost" in (mlmodel.get("flavors") or {})


def _install(made: Path, path: Path, laid: Laid) -> None:
    """Put the entries of a tree in place, and take away those that were laid there before and are in it no more."""
    record = path / RECORD
    names = sorted(entry.name for entry in made.iterdir())
    for name in {*names, *_entries(record)}:
        tree.discard(path / name)
    for name in names:
        (made / name).rename(path / name)
    tree.write(record, yaml.safe_dump({**laid.document, "entries": names}, sort_keys=False))


def _entries(record: Path) -> list[str]:
    """Read which entries were laid before; a record that is not ours names none."""
    try:
        document = yaml.safe_load(record.read_text(encoding="utf-8"))
    except (FileNotFoundError, UnicodeDecodeError, yaml.YAMLError):
        return []
    entries = document.get("entries") if isinstance(document, dict) else None
    return [str(name) for name in entries or () if Path(str(name)).name == name]
