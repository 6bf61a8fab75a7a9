"""One command, `twinpin`; a subcommand's module is imported when it runs, so that each image starts fast."""

import os
import sys
from importlib import import_module
from typing import NamedTuple

import click

from twinpin.version import __version__


class Target(NamedTuple):
    """Where a subcommand stands (module:attribute), and the line that the overview shows of it."""

    place: str
    summary: str


#: One image carries the libraries of few of them, so the overview imports none.
COMMANDS = {
    "serve": Target("twinpin.serve:serve", "Run a graph document in one process: gateway and all steps."),
    "gateway": Target("twinpin.gateway.commands:gateway", "Run the gateway before a graph or before steps."),
    "step": Target("twinpin.steps:step", "Serve one step: features, preprocess or predict."),
    "resolve": Target("twinpin.pair.commands:resolve", "Turn the alias into one verified pair on disk."),
    "storage": Target(
        "twinpin.pair.storage:storage", "Download halves of a pair, as KServe's storage initializer does."
    ),
    "promote": Target("twinpin.pair.commands:promote", "Move the alias of both halves, or of neither."),
    "rollback": Target("twinpin.pair.commands:rollback", "Return both halves to the pair before."),
    "status": Target("twinpin.pair.commands:status", "Show the pair behind the alias, and what is wrong with it."),
    "controller": Target(
        "twinpin.rollout.commands:controller", "Bring each new pair behind the alias live on a cluster."
    ),
    "rollout": Target("twinpin.rollout.commands:rollout", "Bring the pair behind the alias live on a cluster once."),
    "canary": Target("twinpin.rollout.commands:canary", "Give a new pair a share of the requests first."),
    "history": Target(
        "twinpin.rollout.history_command:history", "Show which pair served when, and why a rollout failed."
    ),
    "webhook": Target("twinpin.rollout.webhook_command:webhook", "Let MLflow tell the controller when an alias moves."),
}
#: Those that ask a registry and load no model.
ASKING = {"resolve", "storage", "promote", "rollback", "status", "history", "webhook"}

#: gRPC's sockets are watched by the thread that hands its calls to Python, and not by threads of its event engine,
#: which wake that one up: a tenth of the CPU of a forecast in direct mode. A user's own value comes first.
GRPC_EXPERIMENTS = "-event_engine_client,-event_engine_listener"


class Commands(click.Group):
    """A group that knows its commands by name and imports only the one that runs."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """Name the subcommands in the order in which a user meets them."""
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """Import the one that was asked for."""
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name].place.split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands from the table above."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, target.summary) for name, target in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="twinpin")
def main() -> None:
    """Forecasts from one pinned pair of preprocessor and model."""


def program() -> None:
    """Run the command line as a process of its own, which imports of MLflow what its command needs."""
    os.environ.setdefault("GRPC_EXPERIMENTS", GRPC_EXPERIMENTS)  # read once, when gRPC is imported
    if not ASKING.intersection(sys.argv[1:2]):
        main()
        return
    from twinpin.pair.sdk import client  # noqa: PLC0415 -- what it imports, other commands do without

    with client():
        main()
