"""Hashes: where Feast keeps a service's rows in Redis, as commands that read them.

One hash holds the values of all views of an entity in a project. Its name and those of its fields are made by Feast's
own functions, once for each entity and once for each feature.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from twinpin.features import connections
from twinpin.features.entities import Entity, EntityKey
from twinpin.features.service import DUMMY_KEY, Service

#: Names of entities that are kept, some 200 bytes each.
KEPT = 50_000


@dataclass(frozen=True, slots=True)
class Hash:
    """The views of one join key: what one command reads of an entity."""

    #: Column of Feast's response, which a feature has too -> its place in the reply.
    columns: Mapping[str, int]
    #: View -> the place of its event time.
    times: Mapping[str, int]
    #: First and last place, exclusive, of the values of each view.
    spans: Sequence[tuple[int, int]]
    #: Writes HMGET in Redis' protocol, https://redis.io/docs/latest/develop/reference/protocol-spec.
    command: Callable[[Entity], bytes]


def hashes(feast: Any, service: Service) -> list[Hash]:
    """Lay out the reads of a service; none where something of it is not simply stored."""
    if service.sources or service.request_fields or service.query is not service.probe:
        return []
    grouped: dict[str, list[tuple[Any, Any]]] = {}
    for projection in service.query.feature_view_projections:
        view = feast.registry.get_any_feature_view(projection.name, feast.project)
        (*others, join_key) = [column.name for column in view.entity_columns]
        if others or join_key == DUMMY_KEY:
            return []
        grouped.setdefault(join_key, []).append((projection, view))
    return [_hash(feast, service.key, join_key, views) for join_key, views in grouped.items()]


def _hash(feast: Any, key: EntityKey, join_key: str, views: list[tuple[Any, Any]]) -> Hash:
    """Lay out the read of the views of one join key."""
    columns: dict[str, int] = {}
    times: dict[str, int] = {}
    spans: list[tuple[int, int]] = []
    fields: list[bytes] = []
    for projection, view in views:
        alias, names = projection.name_to_use(), [feature.name for feature in projection.features]
        *of_values, of_time = connections.redis_fields(feast, view, names)
        columns |= {f"{alias}__{name}": place for place, name in enumerate(names, start=len(fields))}
        spans.append((len(fields), len(fields) + len(of_values)))
        fields += of_values
        times[alias] = len(fields)
        fields.append(of_time)
    return Hash(columns, times, spans, _writer(feast, key, join_key, fields))


def _writer(feast: Any, key: EntityKey, join_key: str, fields: list[bytes]) -> Callable[[Entity], bytes]:
    """Make the function that writes the command for an entity."""
    head, tail = b"*%d\r\n$5\r\nHMGET\r\n" % (len(fields) + 2), b"".join(map(_bulk, fields))

    @lru_cache(KEPT)
    def name(entity: Entity) -> bytes:
        """Write the name of the entity's hash."""
        return _bulk(connections.redis_hash(feast, join_key, key.kind, entity))

    return lambda entity: head + name(entity) + tail


def _bulk(text: bytes) -> bytes:
    """Write a string in Redis' protocol."""
    return b"$%d\r\n%b\r\n" % (len(text), text)
