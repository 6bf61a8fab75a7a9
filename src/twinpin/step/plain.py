"""Plain bodies: columns under "data", or keys under "entities"; what a user types, without tensors."""

from collections.abc import Mapping
from reprlib import repr as brief
from typing import Any

import numpy as np

from twinpin.step.errors import Malformed
from twinpin.step.jsondata import from_column, from_columns
from twinpin.step.step import ENTITY_KEY, PARTIAL, TIME_POINT, Message, Parameters, Tensors

#: Name of the tensor where the body names no entity key.
ENTITIES_TENSOR = "entities"
_KINDS: dict[str, type[str | bool]] = {ENTITY_KEY: str, TIME_POINT: str, PARTIAL: bool}
_WORDS = {str: "text", bool: "true or false"}
_INT64 = range(-(2**63), 2**63)
#: Characters in the name of a tensor, an output or a column.
MAX_NAME = 256


def is_plain(document: Mapping[str, Any]) -> bool:
    """Tell whether the body is of one of the two plain kinds."""
    return "data" in document or "entities" in document or any(key in document for key in _KINDS)


def read_plain(document: Mapping[str, Any], parameters: Parameters, request_id: str) -> Message:
    """Read a plain body, whose other top-level keys are already known to be `id` and `parameters`."""
    keys = set(document) - {"id", "parameters"}
    if "data" in document:
        _only(keys, {"data"})
        return Message(_columns(document["data"]), parameters, request_id)
    _only(keys, {"entities", *_KINDS})
    return _entities(document, parameters, request_id)


def name_of(name: object, what: str) -> str:
    """Check the name of a tensor, an output or a column."""
    if not isinstance(name, str) or not name or len(name) > MAX_NAME:
        raise Malformed(f"the name of {what} must be text of 1 to {MAX_NAME} characters, not {brief(name)}")
    return name


def _only(keys: set[str], known: set[str]) -> None:
    """Refuse a key that would otherwise be ignored: it is a slip of the pen more often than a wish."""
    if unknown := sorted(keys - known):
        raise Malformed(f"the body has {brief(unknown)}, which do not go with {sorted(known & keys)}; remove them")


def _columns(data: object) -> Tensors:
    """Read columns that all have the same number of rows."""
    if not isinstance(data, dict) or not data:
        raise Malformed('"data" must be an object that maps each column to its list of values')
    names = set(map(len, data))
    if min(names) > 0 and max(names) <= MAX_NAME and (block := from_columns(data)) is not None:
        return block
    columns = {name_of(name, "a column"): from_column(name, values) for name, values in data.items()}
    rows = {len(column) for column in columns.values()}
    if len(rows) > 1:
        lengths = ", ".join(f"{name}: {len(column)}" for name, column in list(columns.items())[:8])
        raise Malformed(f"the columns differ in their number of rows ({lengths}); each row needs a value in every one")
    return columns


def _entities(document: Mapping[str, Any], parameters: Parameters, request_id: str) -> Message:
    """Read entity keys; null or no key at all leaves the choice to the features step."""
    merged = dict(parameters)
    for key, kind in _KINDS.items():
        value = document.get(key)
        if value is None:
            continue
        if not isinstance(value, kind):
            raise Malformed(f'"{key}" must be {_WORDS[kind]}, not {brief(value)}')
        merged[key] = value
    name = name_of(merged.get(ENTITY_KEY, ENTITIES_TENSOR), "the entity key")
    entities = document.get("entities")
    return Message({} if entities is None else {name: _keys(entities)}, merged, request_id)


def _keys(entities: object) -> np.ndarray:
    """Make one array of keys: all whole numbers, or all text."""
    keys = entities if isinstance(entities, list) else [entities]
    kinds = set(map(type, keys))
    if kinds <= {int} and all(key in _INT64 for key in keys):
        return np.array(keys, dtype=np.int64)
    if kinds == {str}:
        array = np.empty(len(keys), dtype=object)
        array[:] = keys
        return array
    raise Malformed('"entities" must be one id or a list of ids, all whole numbers (64 bits) or all text')
