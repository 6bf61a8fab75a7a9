"""Patch: what one rendering changes of another, as JSON patches (RFC 6902) that kustomize applies by path."""

from collections.abc import Iterator
from typing import Any, TypeAlias

Operation: TypeAlias = dict[str, Any]


def difference(before: Any, after: Any, path: str = "") -> Iterator[Operation]:
    """List the operations that turn *before* into *after*."""
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _of_mappings(before, after, path)
    elif _named(before) and _named(after) and _names(before) <= _names(after):
        yield from _of_named(before, after, path)
    elif before != after:
        yield {"op": "replace", "path": path, "value": after}


def _of_mappings(before: dict[str, Any], after: dict[str, Any], path: str) -> Iterator[Operation]:
    """Remove, change, add: by name."""
    for name, value in before.items():
        if name not in after:
            yield {"op": "remove", "path": f"{path}/{_escaped(name)}"}
        else:
            yield from difference(value, after[name], f"{path}/{_escaped(name)}")
    for name, value in after.items():
        if name not in before:
            yield {"op": "add", "path": f"{path}/{_escaped(name)}", "value": value}


def _of_named(before: list[Any], after: list[Any], path: str) -> Iterator[Operation]:
    """Change elements where they stand and append the others, so that patches of several components go together."""
    changed = {each["name"]: each for each in after}
    for index, old in enumerate(before):
        yield from difference(old, changed.pop(old["name"]), f"{path}/{index}")
    for new in changed.values():
        yield {"op": "add", "path": f"{path}/-", "value": new}


def _named(node: Any) -> bool:
    """Whether each element has a name of its own, as containers, variables and volumes have."""
    if not isinstance(node, list) or not all(isinstance(each, dict) and "name" in each for each in node):
        return False
    return len(_names(node)) == len(node)


def _names(elements: list[Any]) -> set[Any]:
    """Gather the names."""
    return {each["name"] for each in elements}


def _escaped(name: str) -> str:
    """Write a key as a step of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")
