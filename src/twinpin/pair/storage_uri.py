"""Storage URIs: one half of a pair, as the storageUri of an InferenceService names it."""

import re
from dataclasses import dataclass
from typing import Literal, cast
from urllib.parse import parse_qsl, unquote

Role = Literal["preprocessor", "model"]

SCHEME = "mlflow://"

#: All that is accepted; each may end in &role=preprocessor or &role=model.
FORMS = ("mlflow://NAME@ALIAS?pair=OTHER", "mlflow://NAME/VERSION?pair=OTHER/VERSION")

ALIASED = re.compile(r"(?P<name>[^@/]+)@(?P<alias>[^@/]+)")
NUMBERED = re.compile(r"(?P<name>[^@/]+)/(?P<version>[0-9]+)")


class BadUri(ValueError):
    """A storage URI that names no half of a pair; its text says the right form."""


@dataclass(frozen=True, slots=True)
class StorageUri:
    """The half to download, and the half that it must belong to: by alias, or both by version."""

    name: str
    other: str
    alias: str | None = None
    version: str | None = None
    other_version: str | None = None
    role: Role | None = None

    @classmethod
    def parse(cls, text: str) -> "StorageUri":
        """Read a URI; BadUri says what is wrong with it."""
        head, _, query = text.removeprefix(SCHEME).partition("?")
        asked = dict(parse_qsl(query, keep_blank_values=True))
        if not text.startswith(SCHEME):
            raise _bad(text, "begins otherwise")
        if unknown := sorted(asked.keys() - {"pair", "role"}):
            raise _bad(text, f"says {unknown[0]!r}, which means nothing here")
        if not asked.get("pair"):
            raise _bad(text, "does not say with which other half it is a pair")
        if asked["pair"].partition("/")[0] == unquote(head).partition("@")[0].partition("/")[0]:
            raise _bad(text, "names one registered model twice")
        role = asked.get("role")
        if role not in (None, "preprocessor", "model"):
            raise _bad(text, f"has a role {role!r}, which is neither preprocessor nor model")
        return cls._of(text, unquote(head), asked["pair"], cast("Role | None", role))

    @classmethod
    def _of(cls, text: str, half: str, other: str, role: Role | None) -> "StorageUri":
        """Put both halves together: both by alias, or both by version."""
        if (found := ALIASED.fullmatch(half)) and not set(other) & {"@", "/"}:
            return cls(found["name"], other, alias=found["alias"], role=role)
        if (found := NUMBERED.fullmatch(half)) and (pair := NUMBERED.fullmatch(other)):
            return cls(found["name"], pair["name"], None, found["version"], pair["version"], role)
        raise _bad(text, "does not name both halves in one of two ways")

    @property
    def both(self) -> frozenset[str]:
        """What tells two pairs apart, whichever half of them is asked for."""
        if self.alias:
            return frozenset({f"{self.name}@{self.alias}", f"{self.other}@{self.alias}"})
        return frozenset({f"{self.name}/{self.version}", f"{self.other}/{self.other_version}"})

    @property
    def asked(self) -> str:
        """The half that is asked for, as people name it."""
        return f"{self.name}@{self.alias}" if self.alias else f"{self.name} {self.version}"


def _bad(text: str, why: str) -> BadUri:
    """Say what is wrong, and what would be right."""
    return BadUri(f"{text!r} {why}. Take {' or '.join(FORMS)}, either with &role=preprocessor or &role=model.")
