"""Beginning: what the gateway and `twinpin serve` share before they serve, without a transport to other processes."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from twinpin.graph.check import check
from twinpin.graph.document import InferenceGraph, builtin, load
from twinpin.pair.errors import PairError
from twinpin.step.errors import CannotStart, TwinpinError


def document(path: Path | None, *, strict: bool) -> InferenceGraph:
    """Read the graph document, or the one that Twinpin ships; raises InvalidGraph for one that cannot run."""
    try:
        graph = builtin() if path is None else load(path)
    except OSError as error:
        raise CannotStart(f"The graph document {path} cannot be read: {error.strerror}.") from error
    check(graph, strict=strict)
    return graph


def announcement(host: str, pair_id: str | None = None) -> Callable[[int, int | None], None]:
    """Make the one line that tells where forecasts are served."""
    shown = "localhost" if host in {"0.0.0.0", "::"} else host  # noqa: S104 -- compared, not bound

    def announce(http: int, grpc: int | None) -> None:
        """Print it."""
        rpc = "" if grpc is None else f", gRPC on {shown}:{grpc}"
        what = "Forecasts" if pair_id is None else f"Forecasts of pair {pair_id}"
        click.echo(f"{what} on http://{shown}:{http}{rpc}")
        sys.stdout.flush()

    return announce


@contextlib.contextmanager
def explaining() -> Iterator[None]:
    """End with a sentence, not a traceback, where the settings or the surroundings are at fault."""
    try:
        yield
    except PairError as error:
        click.echo(f"Error: {error.message}" + (f"\nTry: {error.mend}" if error.mend else ""), err=True)
        sys.exit(error.exit_code)
    except (CannotStart, TwinpinError, OSError) as error:
        raise click.ClickException(str(error)) from error
