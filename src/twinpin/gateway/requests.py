"""Requests: the plain JSON bodies that a client sends, checked and turned into what the graph takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

import numpy as np
import orjson

from twinpin.graph.body import Body
from twinpin.step import step
from twinpin.step.decode import loads
from twinpin.step.errors import Malformed, TooLarge
from twinpin.step.plain import ENTITIES_TENSOR, read_plain

Entity: TypeAlias = int | str

NOW = "now"

_PAYLOAD_KEYS = frozenset({"data", "id", "parameters"})
_ENTITY_KEYS = frozenset({"entities", "entity_key", "time_point", "partial", "id", "parameters"})
#: What the body itself says; under "parameters" it would be lost, and an old time answered with today's features.
_NO_PARAMETERS = frozenset({step.TIME_POINT, step.PARTIAL, step.ENTITY_KEY})
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class EntityQuery:
    """A forecast for entities, whose features the graph reads from the store.

    *entities* is None where the configured default entity is meant; else they stand in the client's order. A JSON body
    names each of them once; a tensor has a row for each, and so has its answer.
    """

    entities: tuple[Entity, ...] | None
    entity_key: str | None = None
    time_point: str = NOW
    partial: bool = False
    #: Whether the answer lists the forecasts by entity, be it only one.
    several: bool = False
    id: str = ""
    parameters: step.Parameters = field(default_factory=dict)

    def body(self, **parameters: step.Parameter) -> Body:
        """The body that the graph's root routes to the features step, with *parameters* added; in all its forms."""
        keys: dict[str, Any] = {
            "entities": None if self.entities is None else list(self.entities),
            "entity_key": self.entity_key,
            "time_point": self.time_point,
            "partial": self.partial or None,
        }
        document = {key: value for key, value in keys.items() if value is not None or key == "entities"}
        parameters = self.parameters | parameters
        message = read_plain(document, parameters, self.id)
        document |= {"parameters": parameters} if parameters else {}
        document |= {"id": self.id} if self.id else {}
        return Body(json=document, message=message)


def parse_payload(body: bytes) -> step.Message:
    """Read the body of `/predict`: `{"data": {column: [values]}}`, each column with as many values as the others."""
    document = _object(body, _PAYLOAD_KEYS, loads)
    if "data" not in document:
        raise Malformed('Send {"data": {column: [values]}} with at least one column.')
    request_id, parameters = _common(document)
    return read_plain(document, parameters, request_id)


def parse_entities(body: bytes, *, limit: int) -> EntityQuery:
    """Read the body of `/predict/feast`: ids, one id, or null for the configured default entity."""
    document = _object(body, _ENTITY_KEYS)
    return _entity_query(document, _distinct(_entities(document.get("entities"), limit)))


def parse_batch(body: bytes, *, limit: int) -> EntityQuery:
    """Read the body of `/predict/feast/batch`: at least one entity, answered by entity."""
    document = _object(body, _ENTITY_KEYS)
    entities = _distinct(_entities(document.get("entities"), limit))
    if entities is None:
        raise Malformed('A batch names its entities: send {"entities": [ids]} with at least one id.')
    return _entity_query(document, entities, several=True)


def entity_query(message: step.Message, entity_key: str | None, *, limit: int) -> EntityQuery | None:
    """Read a protocol request as an entity query: one tensor named as the entity key; None where it is a payload."""
    if len(message.tensors) != 1 or (name := next(iter(message.tensors))) not in {entity_key, ENTITIES_TENSOR}:
        return None
    parameters = dict(message.parameters)
    document: dict[str, Any] = {
        key: parameters.pop(key) for key in (step.TIME_POINT, step.PARTIAL, step.ENTITY_KEY) if key in parameters
    }
    if name != ENTITIES_TENSOR:
        document.setdefault(step.ENTITY_KEY, name)
    document |= {"parameters": parameters, "id": message.id}
    entities = _entities(_flat(name, message.tensors[name]), limit)
    return _entity_query(document, entities, several=True)


def _flat(name: str, values: np.ndarray) -> list[Any]:
    """Read a column of entities."""
    if values.ndim not in {1, 2} or values.size != len(values):  # [n] and [n, 1] are both a column
        raise Malformed(f"Tensor {name!r} holds one entity per row: give it the shape [n].")
    return list(values.reshape(-1).tolist())


def _object(body: bytes, allowed: frozenset[str], read: Callable[[bytes], Any] = orjson.loads) -> dict[str, Any]:
    """Parse a JSON object that has no key but the *allowed* ones, so that no typo passes in silence."""
    try:
        document = read(body)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"The body is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise Malformed("The body must be a JSON object.")
    if unknown := sorted(document.keys() - allowed):
        raise Malformed(
            f"Unknown key {', '.join(map(repr, unknown))}: this endpoint knows {', '.join(sorted(allowed))}."
        )
    return document


def _entity_query(
    document: Mapping[str, Any], entities: tuple[Entity, ...] | None, *, several: bool = False
) -> EntityQuery:
    """Make the query of a document whose entities are read."""
    key, partial = document.get("entity_key"), document.get("partial", False)
    if key is not None and (not isinstance(key, str) or not key):
        raise Malformed("entity_key must be the name of the entity's column, as text.")
    if not isinstance(partial, bool):
        raise Malformed("partial must be true or false.")
    request_id, parameters = _common(document)
    if misplaced := sorted(parameters.keys() & _NO_PARAMETERS):
        raise Malformed(f"{misplaced[0]} is a key of the body itself, not of its parameters: move it up.")
    return EntityQuery(
        entities=entities,
        entity_key=key,
        time_point=_time_point(document.get("time_point")),
        partial=partial,
        several=several or (entities is not None and len(entities) > 1),
        id=request_id,
        parameters=parameters,
    )


def _common(document: Mapping[str, Any]) -> tuple[str, step.Parameters]:
    """Check the two keys that every body may have."""
    request_id, parameters = document.get("id", ""), document.get("parameters", {})
    if not isinstance(request_id, str):
        raise Malformed("id must be text.")
    if not isinstance(parameters, dict) or not all(
        isinstance(each, str | int | float | bool) for each in parameters.values()
    ):
        raise Malformed("parameters must be an object of texts, numbers, true and false.")
    return request_id, parameters


def _entities(value: object, limit: int) -> tuple[Entity, ...] | None:
    """One id, several ids, or null; all are text as soon as one is."""
    if value is None:
        return None
    ids = value if isinstance(value, list) else [value]
    if not ids:
        raise Malformed("entities is an empty list: name at least one id.")
    if len(ids) > limit:
        raise TooLarge(
            f"{len(ids)} entities are more than the {limit} that one request may name: send several requests."
        )
    entities = tuple(map(_entity, ids))
    return tuple(map(str, entities)) if any(isinstance(each, str) for each in entities) else entities


def _distinct(entities: tuple[Entity, ...] | None) -> tuple[Entity, ...] | None:
    """Leave out repetitions: an answer by name holds each name once."""
    return None if entities is None else tuple(dict.fromkeys(entities))


def _entity(value: object) -> Entity:
    """Check one id; 5.0 is the whole number 5."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Malformed(f"An entity is a whole number or a text, not {_shown(value)}.")
    if isinstance(value, int) and value not in _INT64:
        raise Malformed(f"Entity {value} does not fit 64 bits.")
    return value


def _shown(value: object) -> str:
    """A value as the client wrote it, cut where it is long."""
    text = orjson.dumps(value).decode()
    return text if len(text) <= 40 else text[:40] + "…"  # noqa: PLR2004 -- one line of an error


def _time_point(value: object) -> str:
    """`now`, or an ISO 8601 time that UTC can hold; one without a zone is in UTC."""
    if value is None or value == NOW:
        return NOW
    if not isinstance(value, str):
        raise Malformed('time_point must be "now" or an ISO 8601 time such as "2026-01-31T13:00:00Z".')
    try:
        time = datetime.fromisoformat(value)
        (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Malformed(
            f'time_point {_shown(value)} is not a time: send "now" or ISO 8601 such as "2026-01-31T13:00:00Z".'
        ) from error
    return value
