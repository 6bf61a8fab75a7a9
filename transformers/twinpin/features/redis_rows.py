"""RedisRows: rows read from Feast's hashes in Redis in one exchange, without an object for each value."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from twinpin.features import connections, wire
from twinpin.features.entities import Entity
from twinpin.features.hashes import Hash, hashes
from twinpin.features.redis_line import RedisLine
from twinpin.features.rows import Rows
from twinpin.features.service import Service

#: Share of the time that a read may take after which nothing more is expected of a line that is silent.
PATIENCE = 0.9


class RedisRows:
    """Reads the rows of one service, on one line that is made anew when it is lost; *timeout* of a read in seconds."""

    def __init__(self, feast: Any, service: Service, laid_out: Sequence[Hash], timeout: float) -> None:
        self._feast = feast
        self._hashes = laid_out
        self._timeout = timeout
        self._readers = [(feature, wire.reader(feature)) for feature in service.features]
        self._table = wire.table(service.features, laid_out[0].spans) if len(laid_out) == 1 else None
        self._line: RedisLine | None = None
        self._opening = asyncio.Lock()

    @classmethod
    def make(cls, feast: Any, service: Service, timeout: float) -> "RedisRows | None":
        """Lay out the reads; None where Feast alone can read this store or this service."""
        laid_out = hashes(feast, service) if connections.has_hashes(feast) else []
        return cls(feast, service, laid_out, timeout) if laid_out else None

    async def fetch(self, entities: Sequence[Entity]) -> list[Any]:
        """Read the raw hashes of *entities*, in one exchange; a line that was lost is replaced once."""
        commands = b"".join([each.command(entity) for each in self._hashes for entity in entities])
        number = len(self._hashes) * len(entities)
        if self._line is not None and not self._line.lost:
            try:
                return await self._ask(self._line, commands, number)
            except connections.redis_losses():
                pass
        return await self._ask(await self._open(), commands, number)

    def parse(self, replies: list[Any], entities: Sequence[Entity]) -> Rows:
        """Take times and values out of what was fetched."""
        number = len(entities)
        parts = [replies[index * number : (index + 1) * number] for index in range(len(self._hashes))]
        times: dict[str, Sequence[int]] = {}
        for each, part in zip(self._hashes, parts, strict=True):
            times |= {view: wire.times([row[place] for row in part]) for view, place in each.times.items()}
        values = None if self._table is None else self._table(parts[0])
        return Rows(times, self._columns(parts) if values is None else values)

    def _columns(self, parts: Sequence[list[Any]]) -> Mapping[str, wire.Values]:
        """Read feature by feature."""
        columns: dict[str, wire.Column] = {}
        for each, part in zip(self._hashes, parts, strict=True):
            table = list(zip(*part, strict=True))
            columns |= {name: table[place] for name, place in each.columns.items()}
        return {feature.name: read(columns[feature.column]) for feature, read in self._readers}

    async def close(self) -> None:
        """Close the line."""
        if self._line is not None:
            await self._line.close()

    async def _ask(self, line: RedisLine, commands: bytes, number: int) -> list[Any]:
        """Ask, and give up a line on which nothing comes any more."""
        try:
            return await line.ask(commands, number)
        except asyncio.CancelledError:
            if line.hangs(PATIENCE * self._timeout):
                await line.close()
            raise

    async def _open(self) -> RedisLine:
        """Make a line, or take the one that another request made meanwhile."""
        async with self._opening:
            if self._line is None or self._line.lost:
                if self._line is not None:
                    await self._line.close()
                self._line = RedisLine(await connections.redis_connection(self._feast))
            return self._line
