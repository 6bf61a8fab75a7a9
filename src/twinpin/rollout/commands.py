"""The commands of a rollout: controller, rollout, canary."""

import asyncio
import dataclasses
import datetime as dt
import functools
import os
import signal
import socket
from typing import Any

import click

from twinpin.pair.registry import MlflowRegistry
from twinpin.pair.settings import Settings as PairSettings
from twinpin.rollout.asking import EPILOG, PAIR_FIELDS, REFUSED, TEMPORARY, asking, fail, with_registry
from twinpin.rollout.controller import Controller
from twinpin.rollout.kube_api import KubeApi
from twinpin.rollout.kube_cluster import ABORT, API, PROMOTE, RETRY, KubeCluster
from twinpin.rollout.kube_lease import KubeLease
from twinpin.rollout.pinning import RegistryPairs
from twinpin.rollout.probing import SECONDS, Body, Prober, post_directly, proxied
from twinpin.rollout.progress import PASSING, ended, lines, shared, trouble
from twinpin.rollout.pulse import Pulse
from twinpin.rollout.release_pair import pair_of_release
from twinpin.rollout.resource import KIND, Candidate, Resource
from twinpin.rollout.settings import FaceSettings, Settings
from twinpin.rollout.watch import look, watch, watch_alias, work
from twinpin.settings import options, take


@click.command()
@options(FaceSettings)
@with_registry
@asking
async def controller(api: KubeApi, settings: Settings, **values: Any) -> None:
    """Follow the alias: bring each new pair live, and keep the graph on one that serves."""
    from twinpin.rollout.face import CannotListen, opened  # noqa: PLC0415 -- a server, which no other command needs
    from twinpin.rollout.metrics import Metrics  # noqa: PLC0415

    face = take(FaceSettings, values)
    registry = {name: value for name, value in values.items() if name in PAIR_FIELDS}
    metrics = Metrics()
    pulse = Pulse(face.stuck_seconds, metrics)
    # The pod's name: a container that is started anew in it need not wait for what its own word is still worth.
    lease = KubeLease(api, settings.release, socket.gethostname())
    try:
        async with opened(face, PairSettings(**registry), pulse, metrics):
            await _until_stopped(_controller(api, settings, registry, pulse), lease)
    except CannotListen as error:
        raise click.UsageError(str(error)) from error


async def _until_stopped(mine: Controller, lease: KubeLease) -> None:
    """Work until SIGTERM, and give the lease back."""
    serving = asyncio.create_task(mine.serve(lease))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
    try:
        await serving
    except asyncio.CancelledError:
        await lease.release()


@click.command(epilog=EPILOG)
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until it is done, or show how it stands.")
@click.option("--retry", is_flag=True, help="Try a pair again that was rejected.")
@with_registry
@asking
async def rollout(api: KubeApi, settings: Settings, *, wait: bool, retry: bool, **registry: Any) -> None:
    """Bring the pair behind the alias live once; where a controller runs, watch it do so."""
    if retry:
        await _annotate(api, settings, RETRY, _now())
    if wait:
        pair = await pair_of_release(api, settings, registry)
        lease = KubeLease(api, settings.release, f"{socket.gethostname()}-{os.getpid()}")
        if busy := await _at_work(api, settings, lease):
            click.echo(busy, err=True)
            await watch_alias(api, settings, _pairs(pair))
        else:
            await work(settings, _controller(api, settings, dataclasses.asdict(pair)), lease)
    _show(await look(api, settings))


async def _at_work(api: KubeApi, settings: Settings, lease: KubeLease) -> str:
    """Say who follows the alias already; empty: nobody."""
    if (await look(api, settings)).spec.followed_by == "Pods":
        return f"The pods of {settings.release} follow the alias themselves."
    holder = await lease.holder()
    return f"The controller {holder} does it." if holder else ""


@click.command(epilog=EPILOG)
@click.option("--percent", type=click.IntRange(1, 99), help="Give each new pair this share of the requests first.")
@click.option(
    "--auto-abort/--no-auto-abort",
    default=None,
    help="With --percent: end a candidate by itself that does worse than the pair that serves.",
)
@click.option(
    "--abort-drift",
    type=click.FloatRange(0),
    help="With --auto-abort: end it too where its median forecast is so many interquartile ranges off.",
)
@click.option(
    "--abort-missing",
    type=click.FloatRange(0, 1),
    help="With --auto-abort: end it too where an input is missing in this share of rows more.",
)
@click.option("--promote", is_flag=True, help="Give the candidate all requests; the next one gets its share again.")
@click.option("--abort", is_flag=True, help="Take the candidate back and leave it alone.")
@click.option("--off", is_flag=True, help="Give new pairs all requests at once from now on.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until the routers do as asked.")
@asking
async def canary(
    api: KubeApi,
    settings: Settings,
    *,
    percent: int | None,
    auto_abort: bool | None,
    abort_drift: float | None,
    abort_missing: float | None,
    promote: bool,
    abort: bool,
    off: bool,
    wait: bool,
) -> None:
    """Give a new pair a share of the requests first, through a whole chain of its own."""
    if [percent is not None, promote, abort, off].count(True) != 1:
        raise click.UsageError("Say one thing: --percent N, --promote, --abort or --off.")
    if auto_abort is not None and percent is None:
        raise click.UsageError("--auto-abort and --no-auto-abort go with --percent N.")
    change = wish(percent, auto_abort, abort_drift, abort_missing)
    found = await look(api, settings)
    if found.spec.followed_by == "Pods":
        fail(
            "Each pod of this release serves one pair alone, so none can get a share: it needs topology graph.", REFUSED
        )
    candidate = found.status.candidate
    if percent is not None or off:
        await _share(api, settings, change, candidate)
    else:
        await _annotate(api, settings, PROMOTE if promote else ABORT, f"{_pinned(candidate)}@{_now()}")
    if candidate is None:
        return
    if wait and await KubeLease(api, settings.release, "").holder():
        await watch(api, settings, functools.partial(_carried_out, percent))
    elif wait:
        click.echo("No controller runs: `twinpin rollout` carries it out.", err=True)
    click.echo("\n".join(lines((await look(api, settings)).status)))


async def _carried_out(percent: int | None, found: Resource) -> bool:
    """Whether the candidate has its share, or, with none asked for, whether it was decided on."""
    return shared(found, percent) if percent else ended(found)


async def _share(api: KubeApi, settings: Settings, change: dict[str, Any] | None, candidate: Candidate | None) -> None:
    """Write how much new pairs get first."""
    if change is None and candidate is not None:
        fail(f"{candidate.pair or candidate.versions} is on its way: --promote or --abort it first.", REFUSED)
    await api.merge(API, KIND, settings.release, {"spec": {"canary": change}})
    if candidate is None:
        share = f"{change['percent']} of 100 requests until it is promoted" if change else "all requests at once"
        click.echo(f"The next new pair behind the alias gets {share}.")


def wish(
    percent: int | None, auto_abort: bool | None, drift: float | None = None, missing: float | None = None
) -> dict[str, Any] | None:
    """Say what to change of spec.canary: limits that are there stay as they are, and new ones are the usual."""
    asked = {name: limit for name, limit in (("drift", drift), ("missing", missing)) if limit is not None}
    if asked and not auto_abort:
        raise click.UsageError("--abort-drift and --abort-missing go with --auto-abort.")
    if percent is None:
        return None
    limits: dict[str, Any] = {} if auto_abort is None else {"abort": asked if auto_abort else None}
    return {"percent": percent, **limits}


def _pinned(candidate: Candidate | None) -> str:
    """Name the rollout of a candidate that a person decides on."""
    if candidate is None or candidate.rollout is None:
        fail("No candidate is pinned, so there is none to decide on: see `twinpin rollout --no-wait`.", REFUSED)
    return candidate.rollout


def _controller(api: KubeApi, settings: Settings, registry: dict[str, Any], pulse: Pulse | None = None) -> Controller:
    """Put the controller together."""
    pairs = _pairs(PairSettings(**registry))

    async def through_api_server(url: str, body: Body) -> Body:
        """Post to a Service from outside the cluster."""
        return await api.post(proxied(url, api.namespace), body, seconds=SECONDS)

    prober = Prober(post_directly if api.inside else through_api_server)
    return Controller(KubeCluster(api, settings.release, prober), pairs, pulse or Pulse())


def _pairs(pair: PairSettings) -> RegistryPairs:
    """Ask the registry as the controller does."""
    return RegistryPairs(pair, MlflowRegistry(pair.registry_uri, pair.tracking_uri))


def _show(found: Resource) -> None:
    """Print where it stands, and exit with what is wrong."""
    click.echo("\n".join(lines(found.status)))
    if wrong := trouble(found.status):
        rejected = any(each.active for each in found.status.rejected)
        mend = " `twinpin rollout --retry` tries it again, `twinpin rollback` goes back." if rejected else ""
        code = TEMPORARY if wrong.reason in PASSING else REFUSED
        fail(f"{wrong.reason}. {wrong.message}{mend}", code)


async def _annotate(api: KubeApi, settings: Settings, key: str, value: str) -> None:
    """Leave a request on the PairedGraph."""
    await api.merge(API, KIND, settings.release, {"metadata": {"annotations": {key: value}}})


def _now() -> str:
    """The time as a request's mark."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
