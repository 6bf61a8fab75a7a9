"""Rows: what one read of the store returned; Store: what can be read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from twinpin.features.entities import Entity
from twinpin.features.service import Service
from twinpin.features.values import Value


@dataclass(frozen=True, slots=True)
class Rows:
    """The newest row of each entity, in the order in which they were asked for, one list entry per entity."""

    #: View -> event time of its row in microseconds since 1970 UTC; 0: the store has no row.
    times: Mapping[str, Sequence[int]]
    #: Name of the feature -> its values: [n, W] or [n] where none is null, else a list of one value per row.
    values: Mapping[str, Sequence[Value] | np.ndarray]


class Store(Protocol):
    """A feature store: one read serves any number of entities."""

    @property
    def service(self) -> Service:
        """What it holds."""

    async def read(
        self, entities: Sequence[Entity], fields: Mapping[str, Sequence[Any]], deadline: float | None = None
    ) -> Rows:
        """Read all features of all *entities* in one query; *fields* are what on-demand views want of the request.

        The *deadline* is in seconds of `time.monotonic`. Raises `Unavailable` where the store is down or too slow and
        `DeadlineExceeded` where the deadline was the tighter limit.
        """

    async def check(self) -> None:
        """Read one row; raises `Unavailable`."""

    async def close(self) -> None:
        """Let go of connections and threads."""
