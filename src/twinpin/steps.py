"""`twinpin step`: serves one step; its image holds no library of the others, so each is imported when it is named."""

from collections.abc import Callable
from typing import Any

import click

from twinpin.deferred import absent
from twinpin.pair.settings import Settings as PairSettings
from twinpin.settings import option, options, take
from twinpin.step.arguments import StepCommand
from twinpin.step.errors import CannotStart, TwinpinError
from twinpin.step.settings import ObserveSettings
from twinpin.step.settings import Settings as ServerSettings
from twinpin.step.step import Step
from twinpin.step.telemetry import configure_logging

SUMMARIES = {
    "features": "Entity keys in, raw feature columns out (Feast).",
    "preprocess": "Raw columns in, one matrix out (any MLflow pyfunc).",
    "predict": "A matrix in, a forecast out (XGBoost, cpu or cuda).",
}


class Refused(click.ClickException):
    """What no further start mends; the exit code is that of `twinpin resolve` for a pair that it refuses."""

    exit_code = 3


class Steps(click.Group):
    """A group that makes the command of a step when it is asked for."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """Name the steps in the order of the graph."""
        return list(SUMMARIES)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """Import the step that was asked for."""
        return _MAKERS[name]() if name in _MAKERS else None

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """List the steps without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


@click.command(cls=Steps)
def step() -> None:
    """Serve one step: features, preprocess or predict."""


def _features() -> click.Command:
    """Make the command of the features step."""
    from twinpin.features import Settings, load  # noqa: PLC0415 -- see above

    return _command("features", lambda values: load(take(Settings, values)), Settings)


def _preprocess() -> click.Command:
    """Make the command of the preprocess step."""
    from twinpin.preprocess import Settings, load  # noqa: PLC0415

    def loaded(values: dict[str, Any]) -> Step:
        """Load it."""
        return load(values["pair_dir"], take(Settings, values), take(ObserveSettings, values))

    return _command("preprocess", loaded, Settings, ObserveSettings)


def _predict() -> click.Command:
    """Make the command of the predict step."""
    from twinpin.predict import Settings, load  # noqa: PLC0415

    def alone(values: dict[str, Any]) -> Step:
        """Load it as where nothing but its own libraries is installed."""
        with absent("pandas", "sklearn"):  # XGBoost takes both where they are: 1.5 s and 75 MB
            return load(values["pair_dir"], take(Settings, values), take(ObserveSettings, values))

    return _command("predict", alone, Settings, ObserveSettings)


_MAKERS: dict[str, Callable[[], click.Command]] = {
    "features": _features,
    "preprocess": _preprocess,
    "predict": _predict,
}


def _command(name: str, load: Callable[[dict[str, Any]], Step], *settings: type) -> click.Command:
    """Make the command of one step: its own settings, those of every server, and the pair's folder where it has one."""

    def serve(**values: Any) -> None:
        """Load the step, then serve it."""
        from twinpin.step.server import serve_step  # noqa: PLC0415 -- the SDK takes 2.5 s and 200 MB

        server = take(ServerSettings, values)
        configure_logging(server.log_level, server.log_requests)
        try:
            serve_step(load(values), server)
        except CannotStart as error:
            raise Refused(str(error)) from error
        except (TwinpinError, OSError) as error:
            raise click.ClickException(str(error)) from error

    command = options(*settings, ServerSettings)(serve)
    if name != "features":
        command = option(PairSettings, "pair_dir")(command)
    return click.command(name, cls=StepCommand, help=SUMMARIES[name])(command)
