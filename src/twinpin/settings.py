"""Settings: a frozen dataclass whose fields are at once flags, environment variables and a table in the docs."""

import dataclasses
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

PREFIX = "TWINPIN_"

S = TypeVar("S")
F = TypeVar("F", bound=Callable[..., Any])


def setting(default: Any, help: str, *, least: float | None = None, most: float | None = None) -> Any:  # noqa: A002 -- click's own word for it
    """One field: its *default*, the sentence that --help and the docs show, and the range that a number keeps to."""
    return dataclasses.field(default=default, metadata={"help": help, "range": (least, most)})


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One setting as users meet it."""

    field: str
    flag: str
    variable: str
    default: Any
    help: str
    type: Any


def entries(settings: type) -> Iterator[Entry]:
    """List the settings of a dataclass in its order."""
    hints = typing.get_type_hints(settings)
    for field in dataclasses.fields(settings):
        word = field.name.replace("_", "-")
        yield Entry(
            field=field.name,
            flag=f"--{word}/--no-{word}" if hints[field.name] is bool else f"--{word}",
            variable=PREFIX + field.name.upper(),
            default=field.default,
            help=field.metadata["help"],
            type=_click_type(hints[field.name], *field.metadata["range"]),
        )


def options(*settings: type) -> Callable[[F], F]:
    """Give a click command the flags of these dataclasses; each may be set by its environment variable too.

    Where two of them have a field of one name, the first one's is the flag.
    """

    def decorate(command: F) -> F:
        flags = {entry.field: entry for each in reversed(settings) for entry in reversed([*entries(each)])}
        for entry in flags.values():
            command = _flag(entry)(command)
        return command

    return decorate


def option(settings: type, field: str) -> Callable[[F], F]:
    """Give a click command the flag of one field alone."""
    return _flag(next(entry for entry in entries(settings) if entry.field == field))


def _flag(entry: Entry) -> Callable[[F], F]:
    """Make the click option of one setting."""
    return click.option(
        entry.flag,
        entry.field,
        envvar=entry.variable,
        default=entry.default,
        help=entry.help,
        type=entry.type,
        show_default=entry.default is not None,
        show_envvar=True,
    )


def take(settings: type[S], values: Mapping[str, Any]) -> S:
    """Make the dataclass from a command's arguments, which may hold those of other settings too."""
    return settings(**{entry.field: values[entry.field] for entry in entries(settings)})


def _click_type(hint: Any, least: Any, most: Any) -> Any:
    """Translate an annotation: X | None is X, a Literal is a choice, a Path is a path, a number may have a range."""
    if isinstance(hint, types.UnionType):
        (hint,) = (each for each in typing.get_args(hint) if each is not type(None))
    if typing.get_origin(hint) is typing.Literal:
        return click.Choice(typing.get_args(hint), case_sensitive=False)
    if hint is Path:
        return click.Path(path_type=Path)
    if (least, most) != (None, None):
        return click.IntRange(least, most) if hint is int else click.FloatRange(least, most)
    return hint
