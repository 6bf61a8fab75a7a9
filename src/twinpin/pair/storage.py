"""`twinpin storage`: halves of a pair, downloaded as KServe's storage initializer would, each checked with the other.

There is no Pin here: KServe tells a storage container neither the release nor the rollout, so each pod that starts
resolves an alias for itself, and two pods may serve two pairs after a promotion. Pods whose URI has versions cannot.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from twinpin.pair.events import Unheard
from twinpin.pair.halves import Halves, Laid
from twinpin.pair.patience import patiently
from twinpin.pair.registry import MlflowRegistry
from twinpin.pair.reporting import EPILOG, reporting, show
from twinpin.pair.settings import Settings
from twinpin.pair.storage_uri import BadUri, StorageUri


@click.command(epilog=EPILOG)
@click.argument("places", nargs=-1, required=True, metavar="URI PATH [URI PATH ...]")
@reporting("registry_uri", "tracking_uri", "resolve_deadline")
def storage(settings: Settings, *, as_json: bool, places: Sequence[str]) -> None:
    """Download halves of a pair into folders, as KServe's storage initializer does.

    A URI is mlflow://NAME@ALIAS?pair=OTHER or mlflow://NAME/VERSION?pair=OTHER/VERSION; &role=preprocessor or
    &role=model says which half NAME is where the artifacts do not. Each pod resolves an alias for itself: name versions
    where all pods must serve one pair.
    """
    halves = Halves(MlflowRegistry(settings.registry_uri, settings.tracking_uri))
    laid = [
        patiently(partial(halves.lay, uri, path), settings.resolve_deadline, Unheard().trouble)
        for uri, path in _wanted(places)
    ]
    documents = [{**each.document, "path": str(each.path)} for each in laid]
    show({"laid": documents}, [_told(each) for each in laid], as_json=as_json)


def _wanted(places: Sequence[str]) -> list[tuple[StorageUri, Path]]:
    """Read the arguments, all of them before anything is downloaded."""
    if len(places) % 2:
        raise click.UsageError("After each URI comes the PATH that it goes to.")
    try:
        return [(StorageUri.parse(uri), Path(path)) for uri, path in zip(places[::2], places[1::2], strict=True)]
    except BadUri as error:
        raise click.UsageError(str(error)) from error


def _told(laid: Laid) -> str:
    """Tell a person, in one line of the log."""
    return f"{laid.version.label}, {laid.role} of {laid.pair} ({laid.evidence}), {laid.digest[:19]}: {laid.path}"
