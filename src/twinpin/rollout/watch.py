"""Watch: a rollout on its way, worked on here or by a controller, each new state in a line until it is done."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn

import click

from twinpin.pair.errors import Refused
from twinpin.rollout.actions import Wait
from twinpin.rollout.asking import TEMPORARY, fail
from twinpin.rollout.conditions import UNREACHED
from twinpin.rollout.controller import ENDS, Controller
from twinpin.rollout.kube_api import KubeApi
from twinpin.rollout.kube_cluster import KubeCluster
from twinpin.rollout.kube_lease import KubeLease
from twinpin.rollout.pinning import RegistryPairs
from twinpin.rollout.probing import Prober, post_directly
from twinpin.rollout.progress import PASSING, Progress, ended
from twinpin.rollout.resource import Resource
from twinpin.rollout.settings import Settings
from twinpin.rollout.snapshot import Aliased, NoPair


async def look(api: KubeApi, settings: Settings) -> Resource:
    """Read the PairedGraph."""
    return await KubeCluster(api, settings.release, Prober(post_directly)).resource()


async def work(settings: Settings, mine: Controller, lease: KubeLease) -> None:
    """Do what a controller does until nothing is on its way; the lease is given back whatever ends it."""
    progress, until = Progress(), time.monotonic() + settings.wait_seconds
    try:
        while time.monotonic() < until:
            done = await mine.round() if await lease.hold() else None
            if done and (news := progress.news(done[0].resource)):
                click.echo(news, err=True)
            if done is None:
                await asyncio.sleep(1.0)
            elif isinstance(done[1], Wait):
                if done[1].reason in ENDS or (isinstance(done[0].alias, NoPair) and done[1].reason not in PASSING):
                    return
                await asyncio.sleep(1.0)
    finally:
        await lease.release()
    _late(settings)


async def watch_alias(api: KubeApi, settings: Settings, pairs: RegistryPairs) -> None:
    """Watch until what the alias names serves or is rejected, where the registry can be asked from here."""

    async def done(found: Resource) -> bool:
        """Ask what the alias names once nothing moves: whoever works may not have seen yet that it was moved."""
        if not ended(found):
            return False
        alias = await pairs.alias()
        if isinstance(alias, Aliased):
            return ended(found, alias.versions.label)
        if alias.reason in UNREACHED | {Refused.__name__}:
            click.echo(f"This is what was seen last: the alias cannot be read from here. {alias.message}", err=True)
            return True
        return alias.reason not in PASSING

    await watch(api, settings, done)


async def watch(api: KubeApi, settings: Settings, done: Callable[[Resource], Awaitable[bool]]) -> None:
    """Tell what changes until it is done."""
    progress, until = Progress(), time.monotonic() + settings.wait_seconds
    while time.monotonic() < until:
        found = await look(api, settings)
        if news := progress.news(found):
            click.echo(news, err=True)
        if await done(found):
            return
        await asyncio.sleep(1.0)
    _late(settings)


def _late(settings: Settings) -> NoReturn:
    """Say that time is over."""
    fail(f"It is not done after {settings.wait_seconds:.0f} s: see `twinpin rollout --no-wait`.", TEMPORARY)
