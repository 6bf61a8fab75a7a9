"""Asking: how a command of the rollout begins and ends: its settings, its way to the cluster, an exit code for a fault.

Exit codes are those of the pair's commands: 0 done, 2 a flag is wrong, 3 refused, 4 temporary: run it again. Ctrl-C and
SIGTERM let a command give back what it holds, and end it with 130 and 143.
"""

import asyncio
import functools
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import click

from twinpin.pair.errors import PairError
from twinpin.pair.reporting import TALKATIVE
from twinpin.pair.settings import Settings as PairSettings
from twinpin.rollout.cluster import Conflict
from twinpin.rollout.kube_api import ClusterFault, KubeApi
from twinpin.rollout.settings import Settings
from twinpin.settings import option, options, take

REFUSED, TEMPORARY = 3, 4
EPILOG = "Exit codes: 0 done, 2 a flag is wrong, 3 refused, 4 temporary: run it again."

#: What names the pair, and where it is registered.
PAIR_FIELDS = ("registry_uri", "tracking_uri", "preprocessor_name", "model_name", "alias")

Command = Callable[..., Coroutine[Any, Any, None]]
Connect = Callable[[], KubeApi]


def asking(command: Command) -> Callable[..., None]:
    """Give a command the cluster, its settings and an exit code for each fault."""

    @connecting
    @functools.wraps(command)
    async def connected(connect: Connect, settings: Settings, **values: Any) -> None:
        await command(connect(), settings, **values)

    return connected


def connecting(command: Command) -> Callable[..., None]:
    """Give a command a way to the cluster, its settings and an exit code for each fault."""

    @options(Settings)
    @option(PairSettings, "namespace")
    @functools.wraps(command)
    def run(namespace: str | None, **values: Any) -> None:
        logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stderr)
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(logging.ERROR)
        settings = take(Settings, values)
        own = {name: value for name, value in values.items() if name not in Settings.__slots__}
        try:
            asyncio.run(_ended_by_sigterm(command(functools.partial(KubeApi, namespace), settings, **own)))
        except ClusterFault as error:
            fail(str(error), TEMPORARY)
        except Conflict as error:
            fail(f"Somebody else wrote meanwhile ({error}): run the command again.", TEMPORARY)
        except PairError as error:
            fail(f"{error.message} {error.mend or ''}".strip(), error.exit_code)
        except KeyboardInterrupt:
            sys.exit(128 + signal.SIGINT)
        except asyncio.CancelledError:
            sys.exit(128 + signal.SIGTERM)

    return run


def with_registry(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the settings of the registry too."""
    for name in reversed(PAIR_FIELDS):
        command = option(PairSettings, name)(command)
    return command


def fail(message: str, code: int) -> NoReturn:
    """Say what is wrong, and exit."""
    click.echo(f"error: {message}", err=True)
    sys.exit(code)


async def _ended_by_sigterm(work: Coroutine[Any, Any, None]) -> None:
    """Let SIGTERM end the work as Ctrl-C does."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await task
