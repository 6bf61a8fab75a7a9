"""Whether a GJSON path finds something in a parsed document, as gjson 1.18 (which KServe's router links) decides it.

One path text means different things on an object and on an array, so it is read at each value that it meets, with the
reading of each text kept. Supported: keys, `*` and `?`, escapes, indices, `#`, `#.rest`, queries `#(…)` and `#(…)#`
with all operators and `~`, `.` and `|`, `@this`, `[a,b]`; `gjson_path.unsupported` names the rest, which is
refused when a graph is loaded.

Two readings differ from gjson's, which scans text: of two equal keys in one object the last counts, not the first,
and a path into a string finds nothing, where gjson would find braces inside that string.
"""

from typing import Any, Final

from twinpin.graph.gjson_path import THIS, ArrayPart, read_array, read_object, split_multipath, split_pipe
from twinpin.graph.query import Query, glob

#: Where a path leads nowhere; JSON null is None and does exist.
MISSING: Final = object()


def exists(document: Any, path: str) -> bool:
    """Tell whether the path finds a value in the document; null is one."""
    return get(document, path) is not MISSING


def get(value: Any, path: str) -> Any:
    """Return what the path finds, or MISSING."""
    if len(path) > 1:
        if THIS.match(path):
            rest = path[len("@this") :]
            return get(value, rest[1:]) if rest else value
        if path[0] == "[" and (joined := split_multipath(path)):
            members, rest = joined
            found = [each for each in (get(value, member) for member in members) if each is not MISSING]
            return get(found, rest[1:]) if rest else found
    if isinstance(value, dict):
        found, pipe = _in_object(value, path)
    elif isinstance(value, list):
        found, pipe = _in_array(value, path)
    else:
        return MISSING
    return found if pipe is None else get(found, pipe)


def _descend(value: Any, path: str) -> tuple[Any, str | None]:
    """Go into a container; a scalar holds nothing."""
    if isinstance(value, dict):
        return _in_object(value, path)
    if isinstance(value, list):
        return _in_array(value, path)
    return MISSING, None


def _in_object(value: dict[str, Any], path: str) -> tuple[Any, str | None]:
    """Find the path below an object: what it leads to, and the piped path that is still to be applied."""
    part = read_object(path)
    pipe = part.pipe
    names = [key for key in value if glob(key, part.text)] if part.wild else [part.text] * (part.text in value)
    if part.inner is None:
        return (value[names[0]] if names else MISSING), pipe
    for name in names:
        found, inner_pipe = _descend(value[name], part.inner)
        pipe = inner_pipe if inner_pipe is not None else pipe
        if found is not MISSING:
            return found, pipe
    return MISSING, pipe


def _in_array(value: list[Any], path: str) -> tuple[Any, str | None]:
    """Find the path below an array: what it leads to, and the piped path that is still to be applied."""
    part = read_array(path)
    if part.query is not None:
        return _matches(value, part, part.query)
    if part.each is not None:
        each, pipe = split_pipe(part.each)
        found = (get(element, each) for element in value)
        return [one for one in found if one is not MISSING], pipe
    if part.count:
        return len(value), part.pipe
    if part.index is None or part.index >= len(value):
        return MISSING, part.pipe
    if part.inner is None:
        return value[part.index], part.pipe
    return _descend(value[part.index], part.inner)


def _matches(value: list[Any], part: ArrayPart, query: Query) -> tuple[Any, str | None]:
    """Apply a query: the first match, or a list of all; the pipe behind `.rest` counts only once there is a match."""
    found, pipe, inner = [], part.pipe, part.inner
    for element in value:
        container = isinstance(element, dict | list)
        if query.path and not container:
            continue  # not even ~null counts a scalar as an object without the key
        left = get(element, query.path) if container else element
        if not query.matches(left, exists=left is not MISSING):
            continue
        if inner is not None and pipe is None:
            inner, pipe = split_pipe(inner)
        one = element if inner is None else get(element, inner)
        if not part.every:
            return one, pipe
        if one is not MISSING:
            found.append(one)
    return (found if part.every else MISSING), pipe
