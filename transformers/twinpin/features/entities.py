"""EntityKey: what names a row of the feature store, and how the ids of a request become its type."""

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from twinpin.step.errors import Malformed

Entity = int | str

#: Feast type of a key -> its bits.
INTEGERS = {"INT32": 32, "INT64": 64}

#: An integer as text, of no more digits than 64 bits have.
INTEGER = re.compile(r"[+-]?[0-9]{1,19}")


@dataclass(frozen=True, slots=True)
class EntityKey:
    """Join key of the feature store, with its Feast value type."""

    name: str
    kind: Literal["INT32", "INT64", "STRING"]

    @property
    def datatype(self) -> str:
        """Its V2 datatype."""
        return "BYTES" if self.kind == "STRING" else self.kind

    @property
    def placeholder(self) -> Entity:
        """Some id of the right type, for reads whose answer does not matter."""
        return "" if self.kind == "STRING" else 0

    def entities(self, ids: np.ndarray) -> list[Entity]:
        """Convert the tensor of ids, of shape [n] or [n, 1], keeping order and duplicates; raises `Malformed`."""
        if ids.ndim == 2 and ids.shape[1] == 1:  # noqa: PLR2004 -- a column, as V2 clients often send one
            ids = ids[:, 0]
        if ids.ndim != 1:
            raise Malformed(f"{self.name} must be a list of ids: its shape is {list(ids.shape)}, not [n].")
        if not len(ids):
            raise Malformed(f"{self.name} is empty: name at least one entity.")
        return [self.entity(value) for value in ids.tolist()]

    def entity(self, value: Any) -> Entity:
        """Convert one id where that is exact: "5" and 5.0 are the integer 5, 5 is the text "5"."""
        converted = self._text(value) if self.kind == "STRING" else self._integer(value)
        if converted is None:
            wanted = "a text" if self.kind == "STRING" else f"an integer of {INTEGERS[self.kind]} bits"
            raise Malformed(f"{_shown(value)} is no id for {self.name}: it must be {wanted}.")
        return converted

    @staticmethod
    def _text(value: Any) -> str | None:
        """Convert an id to text, or to None."""
        if isinstance(value, str):
            return value
        if isinstance(value, bytes):
            try:
                return value.decode()
            except UnicodeDecodeError:
                return None
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else None

    def _integer(self, value: Any) -> int | None:
        """Convert an id to an integer of the key's width, or to None."""
        if isinstance(value, bool):
            return None
        if isinstance(value, float):
            value = int(value) if value.is_integer() else None
        elif isinstance(value, str) and INTEGER.fullmatch(value):
            value = int(value)
        limit = 1 << (INTEGERS[self.kind] - 1)
        return value if isinstance(value, int) and -limit <= value < limit else None


def _shown(value: Any) -> str:
    """Quote an id in an error, short enough for a log line."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 -- characters of a line
