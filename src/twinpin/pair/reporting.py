"""Reporting: how a command of the pair begins and ends, whoever reads it: a person, a script or the kubelet.

Exit codes: 0 done, 1 a defect (with its traceback), 2 a flag is wrong, 3 refused, 4 temporary, 5 any other fault of the
pair. 3 waits for somebody to mend it; 4 may go away by itself, so run the command again.
"""

import dataclasses
import functools
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, NoReturn

import click

from twinpin.pair.errors import PairError
from twinpin.pair.settings import Settings
from twinpin.settings import option

EPILOG = "Exit codes: 0 done, 2 a flag is wrong, 3 refused, 4 temporary: run it again, 5 any other fault of the pair."

#: Libraries that tell of each try what our own line tells once: the log's tail is all that a dead container leaves.
TALKATIVE = ("mlflow", "urllib3")


def reporting(*fields: str, undoes: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command its settings, or these *fields* of them, --json, and an exit code for each fault of the pair.

    One that *undoes* what it began gets the time for it after SIGTERM; any other ends at once, even in a download, and
    the next run sweeps what it left.
    """
    names = fields or tuple(field.name for field in dataclasses.fields(Settings))

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
        @functools.wraps(command)
        def run(as_json: bool, **values: Any) -> None:
            _begin(_raised if undoes else _dropped)
            settings = Settings(**{name: values.pop(name) for name in names})
            try:
                command(settings, as_json=as_json, **values)
            except PairError as error:
                _fail(error, as_json=as_json)

        for name in reversed(names):
            run = option(Settings, name)(run)
        return run

    return decorate


def show(document: dict[str, Any], lines: Sequence[str], *, as_json: bool) -> None:
    """Print the result for a script or for a person."""
    click.echo(json.dumps(document, indent=2) if as_json else "\n".join(lines))


def _begin(on_sigterm: Callable[[int, FrameType | None], NoReturn]) -> None:
    """Log sentences alone, and be ready to be ended."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    signal.signal(signal.SIGTERM, on_sigterm)


def _fail(error: PairError, *, as_json: bool) -> NoReturn:
    """Print what is wrong and what mends it, and exit with its code."""
    if as_json:
        click.echo(json.dumps({**error.document, "exit_code": error.exit_code}, indent=2))
    else:
        click.echo(f"error: {error.message}", err=True)
        if error.mend:
            click.echo(f"mend:  {error.mend}", err=True)
    sys.exit(error.exit_code)


def _raised(number: int, _frame: FrameType | None) -> NoReturn:
    """Leave by an exception, so that a move under way is undone."""
    sys.exit(128 + number)


def _dropped(number: int, _frame: FrameType | None) -> NoReturn:
    """Leave without waiting for MLflow's threads, which end with their file; process 1 has no default way to die."""
    os._exit(128 + number)
