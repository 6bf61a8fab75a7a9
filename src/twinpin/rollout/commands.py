"""The commands of a rollout: controller, rollout, canary, history.

Exit codes are those of the pair's commands: 0 done, 2 a flag is wrong, 3 refused, 4 temporary: run it again.
"""

import asyncio
import datetime as dt
import functools
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import click

from twinpin.pair.registry import MlflowRegistry
from twinpin.pair.reporting import TALKATIVE
from twinpin.pair.settings import Settings as PairSettings
from twinpin.rollout.actions import Wait
from twinpin.rollout.cluster import Conflict
from twinpin.rollout.controller import ENDS, Controller
from twinpin.rollout.kube_api import ClusterFault, KubeApi
from twinpin.rollout.kube_cluster import ABORT, API, RETRY, KubeCluster
from twinpin.rollout.kube_lease import KubeLease
from twinpin.rollout.pinning import RegistryPairs
from twinpin.rollout.probing import SECONDS, Body, Prober, post_directly, proxied
from twinpin.rollout.resource import KIND, Period, Resource, Status
from twinpin.rollout.settings import Settings
from twinpin.settings import option, options, take

REFUSED, TEMPORARY = 3, 4
PAIR_FIELDS = ("registry_uri", "tracking_uri", "preprocessor_name", "model_name", "alias", "namespace")

Command = Callable[..., Coroutine[Any, Any, None]]


def asking(command: Command) -> Callable[..., None]:
    """Give a command its settings and its way to the cluster, and an exit code for each fault."""

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
            asyncio.run(command(KubeApi(namespace), settings, **own))
        except ClusterFault as error:
            _fail(str(error), TEMPORARY)
        except Conflict as error:
            _fail(f"Somebody else wrote meanwhile ({error}): run the command again.", TEMPORARY)

    return run


def with_registry(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the settings of the registry too."""
    for name in reversed([field for field in PAIR_FIELDS if field != "namespace"]):
        command = option(PairSettings, name)(command)
    return command


@click.command()
@with_registry
@asking
async def controller(api: KubeApi, settings: Settings, **registry: Any) -> None:
    """Follow the alias: bring each new pair live, and keep the graph on one that serves."""
    # The pod's name: a container that is started anew in it need not wait for what its own word is still worth.
    lease = KubeLease(api, settings.release, socket.gethostname())
    work = asyncio.create_task(_controller(api, settings, registry).serve(lease))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        await lease.release()


@click.command()
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until the pair serves or is rejected.")
@click.option("--retry", is_flag=True, help="Try a pair again that was rejected.")
@with_registry
@asking
async def rollout(api: KubeApi, settings: Settings, *, wait: bool, retry: bool, **registry: Any) -> None:
    """Bring the pair behind the alias live once; where a controller runs, watch it do so."""
    if retry:
        await _annotate(api, settings, RETRY, _now())
    lease = KubeLease(api, settings.release, f"{socket.gethostname()}-{os.getpid()}")
    busy = await lease.holder()
    if busy:
        click.echo(f"The controller {busy} does it.", err=True)
    if wait or not busy:
        await _until_done(api, settings, None if busy else _controller(api, settings, registry), lease)
    _show(await _read(api, settings))


@click.command()
@click.option("--percent", type=click.IntRange(1, 99), help="Share of the requests that a candidate gets.")
@click.option("--promote", is_flag=True, help="Send everything to the candidate.")
@click.option("--abort", is_flag=True, help="Take the candidate back and leave it alone.")
@asking
async def canary(api: KubeApi, settings: Settings, *, percent: int | None, promote: bool, abort: bool) -> None:
    """Give a new pair a share of the requests first, through a whole chain of its own."""
    if [percent is not None, promote, abort].count(True) != 1:
        raise click.UsageError("Say one thing: --percent N, --promote or --abort.")
    if abort:
        candidate = (await _read(api, settings)).status.candidate
        if candidate is None or candidate.rollout is None:
            _fail("There is no candidate to abort.", REFUSED)
        await _annotate(api, settings, ABORT, f"{candidate.rollout}@{_now()}")
    else:
        wish = {"percent": percent} if percent else None
        await api.merge(API, KIND, settings.release, {"spec": {"canary": wish}})
    click.echo("Asked for: see `twinpin history` and the PairedGraph's conditions.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@asking
async def history(api: KubeApi, settings: Settings, *, as_json: bool) -> None:
    """Show which pair served when, moved by whom, and why a rollout failed."""
    found = await _read(api, settings)
    if as_json:
        click.echo(json.dumps([each.model_dump(mode="json", by_alias=True) for each in found.status.history], indent=2))
        return
    for period in found.status.history:
        click.echo(_line(period))


def _controller(api: KubeApi, settings: Settings, registry: dict[str, Any]) -> Controller:
    """Put the controller together."""
    pair = PairSettings(**registry)
    pairs = RegistryPairs(pair, MlflowRegistry(pair.registry_uri, pair.tracking_uri))

    async def through_api_server(url: str, body: Body) -> Body:
        """Post to a Service from outside the cluster."""
        return await api.post(proxied(url, api.namespace), body, seconds=SECONDS)

    prober = Prober(post_directly if api.inside else through_api_server)
    return Controller(KubeCluster(api, settings.release, prober), pairs)


async def _until_done(api: KubeApi, settings: Settings, mine: Controller | None, lease: KubeLease) -> None:
    """Work, or watch who works, until nothing is on its way."""
    until = time.monotonic() + settings.wait_seconds
    while time.monotonic() < until:
        if mine is None:
            await asyncio.sleep(1.0)
            if _ended(await _read(api, settings)):
                return
        elif await lease.hold():
            done = await mine.round()
            if done and isinstance(done[1], Wait):
                if done[1].reason in ENDS:
                    await lease.release()
                    return
                await asyncio.sleep(1.0)
    _fail(f"It is not done after {settings.wait_seconds:.0f} s: see the conditions of the PairedGraph.", TEMPORARY)


def _ended(found: Resource) -> bool:
    """Whether the record says that nothing is on its way."""
    progressing = next((each for each in found.status.conditions if each.type == "Progressing"), None)
    return progressing is not None and (progressing.status == "False" or progressing.reason in ENDS)


def _show(found: Resource) -> None:
    """Print where it stands, and exit with what is wrong."""
    status: Status = found.status
    click.echo(f"serving:   {status.stable.pair if status.stable else 'nothing'}")
    if status.candidate:
        share = f" ({status.percent} of 100)" if status.percent else ""
        click.echo(f"candidate: {status.candidate.pair or status.candidate.versions}{share}")
    for rejection in status.rejected:
        if rejection.active:
            _fail(f"{rejection.pair} is left alone. {rejection.reason}: {rejection.message}", REFUSED)


def _line(period: Period) -> str:
    """Write one period."""
    end = f"{period.end:%F %T}" if period.end else "now".ljust(19)
    mover = f" by {period.moved_by}" if period.moved_by else ""
    return f"{period.start:%F %T} .. {end}  {period.pair:<20} {period.outcome}{mover} {period.reason}".rstrip()


async def _read(api: KubeApi, settings: Settings) -> Resource:
    """Read the PairedGraph."""
    return await KubeCluster(api, settings.release, Prober(post_directly)).resource()


async def _annotate(api: KubeApi, settings: Settings, key: str, value: str) -> None:
    """Leave a request on the PairedGraph."""
    await api.merge(API, KIND, settings.release, {"metadata": {"annotations": {key: value}}})


def _now() -> str:
    """The time as a request's mark."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _fail(message: str, code: int) -> NoReturn:
    """Say what is wrong, and exit."""
    click.echo(f"error: {message}", err=True)
    sys.exit(code)
