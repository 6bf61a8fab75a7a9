"""RedisRows: rows read from Feast's hashes in Redis in one exchange, without an object for each value.

Each read has a connection of its own, as redis-py's pool would give it one, but pays neither for the pool's look
whether it still lives nor for one coroutine chain per command. redis-py makes the connections, so that its settings
(TLS, password, limits) hold.
"""

from collections.abc import Sequence
from typing import Any

from twinpin.features import connections, wire
from twinpin.features.entities import Entity
from twinpin.features.hashes import Hash, hashes
from twinpin.features.rows import Rows
from twinpin.features.service import Service


class RedisRows:
    """Reads the rows of one service."""

    def __init__(self, feast: Any, service: Service, laid_out: Sequence[Hash]) -> None:
        self._feast = feast
        self._hashes = laid_out
        self._readers = [(feature, wire.reader(feature)) for feature in service.features]
        self._free: list[Any] = []

    @classmethod
    def make(cls, feast: Any, service: Service) -> "RedisRows | None":
        """Lay out the reads; None where Feast alone can read this store or this service."""
        laid_out = hashes(feast, service) if connections.has_hashes(feast) else []
        return cls(feast, service, laid_out) if laid_out else None

    async def fetch(self, entities: Sequence[Entity]) -> list[Any]:
        """Read the raw hashes of *entities*, in one exchange; a connection that went stale is replaced once."""
        commands = b"".join([each.command(entity) for each in self._hashes for entity in entities])
        number = len(self._hashes) * len(entities)
        while self._free:
            try:
                return await self._exchange(self._free.pop(), commands, number)
            except connections.redis_losses():
                await self._forget()
        return await self._exchange(connections.redis_pool(self._feast).make_connection(), commands, number)

    def parse(self, replies: list[Any], entities: Sequence[Entity]) -> Rows:
        """Take times and values out of what was fetched."""
        number = len(entities)
        columns: dict[str, wire.Column] = {}
        times: dict[str, Sequence[int]] = {}
        for index, each in enumerate(self._hashes):
            table = list(zip(*replies[index * number : (index + 1) * number], strict=True))
            columns |= {name: table[place] for name, place in each.columns.items()}
            times |= {view: wire.times(table[place]) for view, place in each.times.items()}
        return Rows(times, {feature.name: read(columns[feature.column]) for feature, read in self._readers})

    async def close(self) -> None:
        """Close the connections."""
        await self._forget()

    async def _exchange(self, connection: Any, commands: bytes, number: int) -> list[Any]:
        """Send commands and read their replies; only a connection on which all went well is used again."""
        try:
            await connection.send_packed_command(commands, check_health=False)
            replies = [await connection.read_response() for _ in range(number)]
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        self._free.append(connection)
        return replies

    async def _forget(self) -> None:
        """Close the connections that nobody uses: one that is broken does not come alone."""
        free, self._free = self._free, []
        for each in free:
            await each.disconnect(nowait=True)
