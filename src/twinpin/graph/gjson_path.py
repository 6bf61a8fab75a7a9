"""The text of a GJSON path taken apart, component by component, as gjson 1.18 takes it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from twinpin.graph.query import Query, split_query

#: What gjson takes for a function when it stands where a component may start.
MODIFIERS = frozenset(
    {
        "dig",
        "flatten",
        "fromstr",
        "group",
        "join",
        "keys",
        "pretty",
        "reverse",
        "this",
        "tostr",
        "ugly",
        "valid",
        "values",
    },
)
THIS = re.compile(r"@this(?=[.|]|$)")
_REFUSED = {
    "{": "a multipath {…} is not supported; […] is",
    "!": "a literal (!) is not supported",
    "..": "JSON lines (..) are not supported: a body is one document",
}
_KEEP = 4096  # paths come from graph documents: few


class Part(NamedTuple):
    """The first component of a path, and what follows it."""

    text: str
    wild: bool = False
    #: After a dot: applied inside this value, and where that finds nothing the search goes on. None: nothing follows.
    inner: str | None = None
    #: After a pipe: applied to the result, be there one or not.
    pipe: str | None = None


@dataclass(frozen=True, slots=True)
class ArrayPart:
    """The first component of a path as an array reads it."""

    index: int | None
    #: `#` alone: the length.
    count: bool = False
    #: `#.rest`: the path for every element.
    each: str | None = None
    query: Query | None = None
    #: `#(…)#`: all matches, not the first.
    every: bool = False
    inner: str | None = None
    pipe: str | None = None


@lru_cache(_KEEP)
def read_object(path: str) -> Part:
    """Read the first component as a key: a backslash takes the next character as it is, `*` and `?` make a pattern."""
    text, wild, place = [], False, 0
    while place < len(path) and path[place] not in ".|":
        if path[place] == "\\":
            place += 1
        elif path[place] in "*?":
            wild = True
        text.append(path[place : place + 1])
        place += 1
    return Part("".join(text), wild, *_rest(path, place))


@lru_cache(_KEEP)
def read_array(path: str) -> ArrayPart:
    """Read the first component as an index, `#` or a query."""
    if path.startswith("#."):
        return ArrayPart(None, each=path[2:])
    if path.startswith(("#(", "#[")) and (query := split_query(path)):
        place = query.end
        every = path[place : place + 1] == "#"
        while place < len(path) and path[place] not in ".|":
            place += 1
        inner, pipe = _rest(path, place, dot_pipes=False)
        return ArrayPart(None, query=query, every=every, inner=inner, pipe=pipe)
    place = min(found if (found := path.find(each)) >= 0 else len(path) for each in ".|")
    text = path[:place]
    inner, pipe = _rest(path, place, dot_pipes="#" not in text)
    index = int(text) if text.isascii() and text.isdigit() else None
    return ArrayPart(index, count=text == "#", inner=inner, pipe=pipe)


def _rest(path: str, place: int, *, dot_pipes: bool = True) -> tuple[str | None, str | None]:
    """Take what follows a component apart: a dot before a modifier or a multipath is a pipe, except after `#`."""
    if place >= len(path):
        return None, None
    rest = path[place + 1 :]
    if path[place] == "|" or (dot_pipes and _starts_anew(rest)):
        return None, rest
    return rest, None


def _starts_anew(rest: str) -> bool:
    """Tell whether the next component works on the whole value: a modifier, `[…]` or `{…}`."""
    if rest[:1] == "@":
        return re.split(r"[.|:]", rest[1:], maxsplit=1)[0] in MODIFIERS
    return rest[:1] in {"[", "{"}


@lru_cache(_KEEP)
def split_pipe(path: str) -> tuple[str, str | None]:
    """Part a path at its first pipe that stands outside a query."""
    place = 0
    while place < len(path):
        if path[place] == "\\":
            place += 1
        elif path[place] == "|":
            return path[:place], path[place + 1 :]
        elif path.startswith((".#(", ".#["), place):
            query = split_query(path[place + 1 :])
            place = place + query.end if query else len(path)
        place += 1
    return path, None


@lru_cache(_KEEP)
def split_multipath(path: str) -> tuple[tuple[str, ...], str] | None:
    """Part `[a,b]rest` into its members and the rest, which is empty or starts with `.` or `|`; else None."""
    members, depth, start, place = [], 1, 1, 1
    while place < len(path):
        char = path[place]
        if char == "\\":
            place += 1
        elif char == '"':
            place = _end_of_string(path, place)
        elif char in "[({":
            depth += 1
        elif char in "])}":
            depth -= 1
        if (depth == 1 and char == ",") or depth == 0:
            members.append(path[start:place])
            start = place + 1
        if depth == 0:
            rest = path[start:]
            return (tuple(members), rest) if rest[:1] in {"", ".", "|"} else None
        place += 1
    return None


def _end_of_string(path: str, place: int) -> int:
    """Find the quote that ends the string that starts here."""
    place += 1
    while place < len(path) and path[place] != '"':
        place += 2 if path[place] == "\\" else 1
    return place


def unsupported(path: str) -> str | None:
    """Say what of a path is not supported here, for whoever wrote it; None: all is."""
    for each in _reached(path):
        if sentence := _reason(each):
            return sentence
    return None


def _reason(path: str) -> str | None:
    """Say why a path cannot start as it does."""
    name = re.split(r"[.|:]", path[1:], maxsplit=1)[0]
    if path.startswith("@") and name in MODIFIERS and not THIS.match(path):
        return f"the modifier @{name} is not supported as it stands there; plain @this is"
    if path.startswith("[") and split_multipath(path) is None:
        return f"{path} has no closing bracket, or something other than . or | behind it"
    if path.startswith(("#(", "#[")):
        query = split_query(path)
        return query.refusal if query else f"the query {path} has no closing bracket"
    return next((reason for start, reason in _REFUSED.items() if path.startswith(start) and path != start), None)


def _reached(path: str) -> Iterator[str]:
    """List every text that evaluation could read as a path, whatever the document."""
    waiting, seen = [path], set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        yield path
        waiting += [each for each in _next(path) if each is not None]


def _next(path: str) -> Iterator[str | None]:
    """List the texts that follow from one reading of a path as an object and one as an array."""
    if THIS.match(path):
        yield path[len("@this.") :]
        return
    if path.startswith("[") and (joined := split_multipath(path)):
        yield from joined[0]
        yield joined[1][1:]
        return
    if not path.startswith(("#(", "#[")):  # else a query's text would be read as keys: no object has such
        yield from read_object(path)[2:]
    part = read_array(path)
    for each in (part.each, part.inner):
        if each is not None:
            yield from (each, *split_pipe(each))
    yield part.pipe
    if part.query is not None:
        yield part.query.path
