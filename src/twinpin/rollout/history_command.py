"""The command `twinpin history`."""

import asyncio
import json
from typing import Any

import click

from twinpin.pair.history import MOVES, History
from twinpin.pair.registry import MlflowRegistry
from twinpin.pair.settings import Settings as PairSettings
from twinpin.rollout.asking import EPILOG, Connect, connecting, with_registry
from twinpin.rollout.kube_api import NoCluster
from twinpin.rollout.resource import HISTORY
from twinpin.rollout.settings import Settings
from twinpin.rollout.table import moves, periods
from twinpin.rollout.watch import look


@click.command(epilog=EPILOG)
@click.option("--registry", "of_registry", is_flag=True, help="Show the moves of the alias; no cluster is asked.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@with_registry
@connecting
async def history(connect: Connect, settings: Settings, *, of_registry: bool, as_json: bool, **registry: Any) -> None:
    """Show which pair served when, moved by whom, and why a rollout failed; without a cluster, who moved the alias."""
    try:
        api = None if of_registry else connect()
    except NoCluster as error:
        click.echo(f"{error} Here are the moves that the registry recorded.", err=True)
        api = None
    if api is None:
        await _moves(PairSettings(**registry), as_json=as_json)
        return
    found = (await look(api, settings)).status.history
    document = [each.model_dump(mode="json", by_alias=True) for each in found]
    click.echo(json.dumps({"periods": document}, indent=2) if as_json else "\n".join(periods(found)))


async def _moves(pair: PairSettings, *, as_json: bool) -> None:
    """Show what the registry recorded."""
    record = History(MlflowRegistry(pair.registry_uri, pair.tracking_uri), pair.model_name, pair.alias)
    found = (await asyncio.to_thread(record.read))[:HISTORY]
    document = MOVES.dump_python([*found], mode="json", by_alias=True)
    click.echo(json.dumps({"moves": document}, indent=2) if as_json else "\n".join(moves(found)))
