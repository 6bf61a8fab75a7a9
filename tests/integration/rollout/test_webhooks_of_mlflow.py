"""A real MLflow server tells a real face when an alias moves."""

import asyncio
import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.fernet import Fernet
from mlflow import MlflowClient
from mlflow_server import MlflowServer

from twinpin.pair.errors import Unreachable
from twinpin.pair.registry import MlflowRegistry
from twinpin.rollout.face import Face, listening
from twinpin.rollout.metrics import Metrics
from twinpin.rollout.pulse import Pulse
from twinpin.rollout.webhook import Deliveries
from twinpin.rollout.webhook_command import Webhooks

PREPROCESSOR, MODEL, ALIAS = "hooked_prep", "hooked_model", "live"
SECRET = "between us"

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """MLflow as a cluster has it: plain HTTP, addresses of its own network, and one key for its secrets."""
    server = MlflowServer(
        tmp_path_factory.mktemp("hooked"),
        MLFLOW_WEBHOOK_ALLOWED_SCHEMES="http,https",
        MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS="true",
        MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY=Fernet.generate_key().decode(),
        MLFLOW_WEBHOOK_CACHE_TTL="1",
        MLFLOW_WEBHOOK_REQUEST_MAX_RETRIES="0",
    ).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def client(server):
    """MLflow's own client, with two versions of each half."""
    client = MlflowClient(server.uri, server.uri)
    for name in (PREPROCESSOR, MODEL, "another"):
        client.create_registered_model(name)
        for _ in range(2):
            client.create_model_version(name, "s3://nowhere/model")
    return client


class Told:
    """A controller's face and what came of its deliveries."""

    def __init__(self):
        self.metrics = Metrics()
        self.pulse = Pulse(metrics=self.metrics)
        self.face = Face(self.pulse, self.metrics, Deliveries(SECRET, frozenset({PREPROCESSOR, MODEL}), ALIAS))

    def counts(self):
        """How often each outcome was counted."""
        (family,) = [each for each in self.metrics.registry.collect() if each.name == "twinpin_webhook_deliveries"]
        return {each.labels["outcome"]: each.value for each in family.samples if each.value}

    async def hinted(self, seconds):
        """Whether the loop is woken within so many seconds."""
        begun = time.monotonic()
        await self.pulse.rest(seconds)
        return time.monotonic() - begun < seconds - 0.1

    async def counted(self, outcome, number):
        """Wait until an outcome was counted so often."""
        for _ in range(400):
            if self.counts().get(outcome, 0) >= number:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(self.counts())


@pytest.fixture
async def told():
    """A face on a free port."""
    told = Told()
    async with listening(told.face, "127.0.0.1", 0) as port:
        told.url = f"http://127.0.0.1:{port}/mlflow"
        yield told


class Done(NamedTuple):
    """How a command ended."""

    exit_code: int
    output: str


async def commanded(server, url, *words, secret=SECRET):
    """Run `twinpin webhook` while the face answers."""
    arguments = ["webhook", "--url", url, "--registry-uri", server.uri, *words]
    environment = {**os.environ, **({"TWINPIN_WEBHOOK_SECRET": secret} if secret else {})}
    program = Path(sys.executable).with_name("twinpin")
    running = await asyncio.create_subprocess_exec(
        program, *arguments, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await running.communicate()
    return Done(running.returncode, output.decode())


@contextlib.asynccontextmanager
async def registered(server, told):
    """Tell MLflow of the face for a while."""
    hooks = Webhooks(MlflowRegistry(server.uri), told.url)
    await asyncio.to_thread(hooks.register, SECRET)
    try:
        yield
    finally:
        await asyncio.to_thread(hooks.remove)


@pytest.mark.parametrize("name", [PREPROCESSOR, MODEL])
async def test_a_move_of_the_alias_wakes_the_controller(server, client, told, name):
    """Of either half, by whoever writes it."""
    async with registered(server, told):
        told.pulse.looking()
        await asyncio.to_thread(client.set_registered_model_alias, name, ALIAS, "2")

        assert await told.hinted(20.0)
        assert told.counts()["accepted"] == 1


async def test_an_alias_that_goes_wakes_it_too(server, client, told):
    """What it served is not named any more."""
    client.set_registered_model_alias(MODEL, ALIAS, "1")
    async with registered(server, told):
        told.pulse.looking()
        await asyncio.to_thread(client.delete_registered_model_alias, MODEL, ALIAS)

        assert await told.hinted(20.0)


async def test_another_model_and_another_alias_do_not(server, client, told):
    """They are counted, after the one that the command sent to try it."""
    async with registered(server, told):
        told.pulse.looking()
        await asyncio.to_thread(client.set_registered_model_alias, "another", ALIAS, "1")
        await asyncio.to_thread(client.set_registered_model_alias, MODEL, "challenger", "1")
        await told.counted("ignored", 3)

        assert not await told.hinted(1.5)
        assert told.counts() == {"ignored": 3}


async def test_a_webhook_without_a_secret_is_refused(server, client, told):
    """As somebody registers it who has not read of it."""
    made = client.create_webhook("plain", told.url, ["model_version_alias.created"])
    tried = await asyncio.to_thread(client.test_webhook, made.webhook_id)
    client.delete_webhook(made.webhook_id)

    assert tried.response_status == 401
    assert "secret" in tried.response_body
    assert told.counts() == {"unsigned": 1}


async def test_another_secret_is_told_at_once(server, client, told):
    """The command lets MLflow try, and the next run mends what this one wrote."""
    wrong = await commanded(server, told.url, secret="guess")
    right = await commanded(server, told.url)
    there = [each for each in client.list_webhooks() if each.url == told.url]
    removed = await commanded(server, told.url, "--remove", "--json")

    assert wrong.exit_code == 4
    assert "give MLflow and the controller the same secret" in wrong.output
    assert right.exit_code == 0
    assert right.output == "MLflow reaches the controller.\n"
    assert len(there) == 1
    assert json.loads(removed.output) == {"url": told.url, "removed": True}
    assert [each for each in client.list_webhooks() if each.url == told.url] == []


def test_an_address_that_nobody_is_at_is_told(server, client):
    """MLflow's own words say why; what was registered can be taken away."""
    hooks = Webhooks(MlflowRegistry(server.uri), "http://127.0.0.1:9/mlflow")

    with pytest.raises(Unreachable, match="MLflow does not get through"):
        hooks.register(SECRET)
    assert hooks.remove()
    assert not hooks.remove()


async def test_without_a_secret_nothing_is_registered(server, told):
    """Every delivery would be refused."""
    done = await commanded(server, told.url, secret=None)

    assert done.exit_code == 3
    assert "TWINPIN_WEBHOOK_SECRET" in done.output
