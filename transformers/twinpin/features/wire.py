"""Wire: columns of Feast's serialized `Value` messages, turned into arrays at once where all of them have one layout.

Feast makes a protobuf object of each value and copies it three times before we see it. The layouts used here follow
from the Protocol Buffers encoding: a message with one fixed-width field is a tag and the number; a packed list of
doubles is a head that depends on its length alone, and the numbers. Whatever else a column holds is read by Feast's own
class.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from twinpin.features.values import Feature, Value
from twinpin.features.window import SECOND
from twinpin.step.block import Block

#: What the store returned for one feature: a serialized `Value` per entity; nothing, or nothing in it: a null.
Column = Sequence[bytes | None]
#: An array of all rows, where none is null; else a value per row.
Values = np.ndarray | list[Value]
Read = Callable[[Column], Values]
#: From the replies of all entities to all features; None: feature by feature.
Table = Callable[[Sequence[Any]], dict[str, np.ndarray] | None]

#: Feast value type -> numpy type of its eight or four bytes.
FIXED = {"DOUBLE": "<f8", "FLOAT": "<f4"}
DOUBLES = 8


def reader(feature: Feature) -> Read:
    """Make the function that reads a column of *feature*: [n, W] or [n] without nulls of one layout, else a list."""
    one_by_one = _one_by_one(feature)
    if feature.type in FIXED:
        return _fixed(feature, one_by_one)
    return _windows(one_by_one) if feature.type == "DOUBLE_LIST" else one_by_one


def table(features: Sequence[Feature], spans: Sequence[tuple[int, int]]) -> Table | None:
    """Make the function that reads all *features*, which lie in these *spans* of a reply, at once.

    None where they are not all floats of one width, or all lists of doubles. The function gives None where a value has
    another layout than the first, or a row of floats has none at all; a single null float is NaN, as in a tensor.
    """
    kinds = {feature.type for feature in features}
    if len(kinds) == 1 and kinds <= FIXED.keys():
        return _floats_at_once(features, spans)
    return _windows_at_once(features, spans) if kinds == {"DOUBLE_LIST"} else None


def _floats_at_once(features: Sequence[Feature], spans: Sequence[tuple[int, int]]) -> Table:
    """Read floats into one block."""
    layout, tag = _layout(features[0])
    gap = np.array([(tag, np.nan)], layout).tobytes()
    names = tuple(feature.name for feature in features)

    def block(replies: Sequence[Any]) -> Block | None:
        cells = [cell or gap for reply in replies for first, end in spans for cell in reply[first:end]]
        if set(map(len, cells)) != {layout.itemsize}:
            return None
        read = np.frombuffer(b"".join(cells), layout).reshape(len(replies), -1)
        if not (read["tag"] == tag).all():
            return None
        matrix = np.ascontiguousarray(read["number"].T)
        return None if np.isnan(matrix).all(axis=0).any() else Block(names, matrix)

    return block


def _windows_at_once(features: Sequence[Feature], spans: Sequence[tuple[int, int]]) -> Table:
    """Read windows of one length."""
    names, head = [feature.name for feature in features], _heads()

    def windows(replies: Sequence[Any]) -> dict[str, np.ndarray] | None:
        cells = [cell or b"" for reply in replies for first, end in spans for cell in reply[first:end]]
        lengths = set(map(len, cells))
        first = head(lengths.pop()) if len(lengths) == 1 else None
        if first is None or not all(cell.startswith(first) for cell in cells):
            return None
        read = _after(cells, len(first)).reshape(len(replies), len(names), -1)
        return dict(zip(names, read.swapaxes(0, 1), strict=True))

    return windows


def times(column: Column) -> list[int]:
    """Read a column of serialized `Timestamp` messages, in microseconds; 0 where there is none."""
    return [_moment(each) if each else 0 for each in column]


@lru_cache(1024)
def _moment(wire: bytes) -> int:
    """Read one time; rows that were written together share theirs."""
    from google.protobuf.timestamp_pb2 import Timestamp  # noqa: PLC0415 -- Feast has it, a test of windows need not

    stamp = Timestamp.FromString(wire)
    return stamp.seconds * SECOND + stamp.nanos // 1000


def _one_by_one(feature: Feature) -> Callable[[Column], list[Value]]:
    """Read a column value by value, by Feast's own class."""
    message, read = _message(), feature.reader()

    def values(column: Column) -> list[Value]:
        return [read(message.FromString(each or b"")) for each in column]

    return values


def _fixed(feature: Feature, one_by_one: Callable[[Column], list[Value]]) -> Read:
    """Read a column of floats of one width."""
    layout, tag = _layout(feature)

    def values(column: Column) -> Values:
        if _lengths(column) == {layout.itemsize}:
            table = np.frombuffer(b"".join(column), layout)  # type: ignore[arg-type]
            if (table["tag"] == tag).all():
                return np.ascontiguousarray(table["number"])
        return one_by_one(column)

    return values


def _layout(feature: Feature) -> tuple[np.dtype, int]:
    """Lay out the message of one float: its tag, and the number."""
    tag: int = _message()(**{feature.kind.field: 1.0}).SerializeToString()[0]
    return np.dtype([("tag", "u1"), ("number", FIXED[feature.type])]), tag


def _windows(one_by_one: Callable[[Column], list[Value]]) -> Read:
    """Read a column of lists of doubles of one length."""
    head = _heads()

    def values(column: Column) -> Values:
        lengths = _lengths(column)
        first = head(lengths.pop()) if len(lengths) == 1 else None
        if first is None or not all(each.startswith(first) for each in column):  # type: ignore[union-attr]
            return one_by_one(column)
        return _after(column, len(first))  # type: ignore[arg-type]

    return values


def _heads() -> Callable[[int], bytes | None]:
    """Make the function that writes what comes before the numbers in a message of so many bytes."""
    message = _message()

    @lru_cache(64)
    def head(length: int) -> bytes | None:
        """Write it; None where no list of doubles has so many."""
        for overhead in range(3, 12):
            count = (length - overhead) // DOUBLES
            if count > 0 and count * DOUBLES + overhead == length:
                wire: bytes = message(double_list_val={"val": [0.0] * count}).SerializeToString()
                if len(wire) == length:
                    return wire[:overhead]
        return None

    return head


def _after(cells: Sequence[bytes], head: int) -> np.ndarray:
    """Take the doubles behind the heads of messages of one length, `[messages, doubles]`."""
    rows = np.frombuffer(b"".join(cells), np.uint8).reshape(len(cells), -1)
    return np.ascontiguousarray(rows[:, head:]).view("<f8")


def _lengths(column: Iterable[bytes | None]) -> set[int]:
    """Say how long the messages of a column are; a null has 0."""
    return {len(each or b"") for each in column}


def _message() -> Any:
    """Return Feast's `Value` message."""
    from feast.protos.feast.types.Value_pb2 import Value as Message  # noqa: PLC0415 -- Feast takes seconds to import

    return Message
