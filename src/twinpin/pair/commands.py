"""The commands of the pair: resolve, promote, rollback, status."""

import sys
from collections.abc import Sequence

import click

from twinpin.pair.folder import PairFolder
from twinpin.pair.pin import Pin
from twinpin.pair.promote import Moved, Promoter, parse_pair
from twinpin.pair.registry import MlflowRegistry, Registry
from twinpin.pair.reporting import EPILOG, reporting, show
from twinpin.pair.resolve import resolve as resolve_pair
from twinpin.pair.settings import Settings
from twinpin.pair.status import status as look
from twinpin.pair.stores import open_pins
from twinpin.pair.version import Versions

#: What comes after a move: the alias is only the wish.
WATCH = (
    "Whoever follows the alias serves it soon. On a cluster `twinpin rollout` shows it come live, "
    "and `twinpin history` what served when."
)


@click.command(epilog=EPILOG)
@reporting()
def resolve(settings: Settings, *, as_json: bool) -> None:
    """Turn the alias into one verified pair on disk, and pin it for the rollout."""
    pin = resolve_pair(settings)
    show(pin.model_dump(mode="json"), _pinned(pin, PairFolder(settings.pair_dir)), as_json=as_json)


@click.command(epilog=EPILOG)
@click.option("--preprocessor-version", metavar="N", help="Version of the preprocessor; with --model-version.")
@click.option("--model-version", metavar="N", help="Version of the model; with --preprocessor-version.")
@click.option("--run", "run_id", metavar="RUN_ID", help="The run that made both versions.")
@click.option("--pair", "pair_tag", metavar="TAG", help="The tag twinpin.pair that both versions carry.")
@click.option("--repair", is_flag=True, help="Complete or revert what a promotion left that died half-way.")
@click.option("--force", is_flag=True, help="Promote over what a dead promotion left, when --repair cannot.")
@reporting(undoes=True)
def promote(settings: Settings, *, as_json: bool, repair: bool, force: bool, **choice: str | None) -> None:
    """Move the alias of both halves, or of neither."""
    promoter = Promoter(settings, _registry(settings))
    if repair:
        _require_ways(choice, 0)
        moved = promoter.repair()
    else:
        moved = promoter.promote(_choose(promoter, **choice), force=force)
    _tell(moved, settings, as_json=as_json)


@click.command(epilog=EPILOG)
@click.option("--to", metavar="PAIR", help="The pair to go back to, as history prints it; by default the one before.")
@reporting(undoes=True)
def rollback(settings: Settings, *, as_json: bool, to: str | None) -> None:
    """Return both halves to the pair before."""
    promoter = Promoter(settings, _registry(settings))
    moved = promoter.rollback(parse_pair(to) if to else None)
    _tell(moved, settings, as_json=as_json)


@click.command(epilog=EPILOG)
@reporting()
def status(settings: Settings, *, as_json: bool) -> None:
    """Show the pair behind the alias, and what is wrong with it; the exit code is that of what is wrong."""
    seen = look(settings, _registry(settings), open_pins(settings))
    show(seen.document, seen.lines, as_json=as_json)
    if seen.problem:
        sys.exit(seen.problem.exit_code)


def _registry(settings: Settings) -> Registry:
    """Open the registry of these settings."""
    return MlflowRegistry(settings.registry_uri, settings.tracking_uri)


def _choose(
    promoter: Promoter,
    *,
    preprocessor_version: str | None,
    model_version: str | None,
    run_id: str | None,
    pair_tag: str | None,
) -> Versions:
    """Find the pair that the flags name, in one of three ways."""
    both = preprocessor_version and model_version
    if not both and (preprocessor_version or model_version):
        raise click.UsageError("A pair has two halves: give --preprocessor-version and --model-version together.")
    _require_ways({"versions": both, "run": run_id, "pair": pair_tag}, 1)
    if run_id:
        return promoter.by_run(run_id)
    if pair_tag:
        return promoter.by_tag(pair_tag)
    return Versions(preprocessor_version, model_version)


def _require_ways(ways: dict[str, str | None], number: int) -> None:
    """Refuse flags that name no pair, or two."""
    if sum(bool(way) for way in ways.values()) != number:
        raise click.UsageError(
            "Name the pair in one way: --run, or --pair, or --preprocessor-version with --model-version."
            if number
            else "--repair knows the pair itself: leave the other flags out."
        )


def _pinned(pin: Pin, folder: PairFolder) -> Sequence[str]:
    """Tell a person what was resolved."""
    return [
        f"pair:         {pin.id} ({pin.evidence})",
        f"rollout:      {pin.rollout}",
        f"preprocessor: {pin.preprocessor.name} {pin.preprocessor.version} {pin.preprocessor.digest[:19]}",
        f"model:        {pin.model.name} {pin.model.version} {pin.model.digest[:19]}",
        f"folder:       {folder.path}",
    ]


def _tell(moved: Moved, settings: Settings, *, as_json: bool) -> None:
    """Print what was moved, and tell a person how to see it served."""
    show(moved.document, _told(moved, settings), as_json=as_json)
    if moved.before != moved.after and not as_json:
        click.echo(WATCH, err=True)


def _told(moved: Moved, settings: Settings) -> Sequence[str]:
    """Say what was moved."""
    if moved.before == moved.after:
        return [f"{settings.alias} is on {moved.after.label} already ({moved.evidence})"]
    return [f"{settings.alias}: {moved.before.label} -> {moved.after.label} ({moved.evidence})"]
