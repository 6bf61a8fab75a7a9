"""FeaturesStep and requests: which ids it takes, and what one request costs."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from feast.infra.online_stores.sqlite import SqliteOnlineStore
from feast.infra.registry.registry import Registry
from feature_repos import fill_windows, scalar_repo, scalar_row, told, window_repo

from twinpin.step.errors import Impossible, Malformed, TooLarge, UnknownEntities
from twinpin.step.step import Context


@pytest.mark.parametrize("entities", [["1"], [1.0], ["1", 1, 1.0], np.array([[1]]), np.array([1], np.int32)])
async def test_ids_of_another_type_are_converted_where_that_is_exact(opened, windows, entities):
    """Feast would look for the text "1" in a store of integers, or fail."""
    opened = await opened(windows())

    answer = await opened.ask(entities)

    assert set(told(answer, "entities")) == {1}


@pytest.mark.parametrize(
    ("entities", "reason"),
    [
        ([None], "None is no id for location_id"),
        ([1, None], "None is no id for location_id"),
        ([True], "True is no id for location_id"),
        ([1.5], "1.5 is no id for location_id"),
        (["one"], "'one' is no id for location_id"),
        ([], "location_id is empty: name at least one entity"),
        (np.zeros((2, 2), np.int64), "location_id must be a list of ids"),
    ],
)
async def test_ids_that_are_none_are_refused(opened, windows, entities, reason):
    """Feast ends with TypeError or IndexError there."""
    opened = await opened(windows())

    with pytest.raises(Malformed, match=reason):
        await opened.ask(entities)


async def test_a_wrong_key_names_the_right_one(opened, windows):
    """Feast ends with a KeyError there."""
    opened = await opened(windows())

    with pytest.raises(Malformed, match="The entity key here is location_id, not site_id"):
        await opened.ask([1], key="site_id", entity_key="site_id")
    with pytest.raises(Malformed, match="Send the entities as location_id: site_id came instead"):
        await opened.ask([1], key="site_id")
    with pytest.raises(Malformed, match="Send the entities as location_id: entities, location_id came instead"):
        await opened.step.run({"entities": np.array([1]), "location_id": np.array([1])}, Context())


async def test_ids_may_come_without_the_keys_name(opened, windows):
    """A body without entity_key means the only key there is."""
    opened = await opened(windows())

    answer = await opened.ask([2, 1], key="entities")

    assert told(answer, "entities") == [2, 1]


async def test_more_entities_than_allowed_are_refused(opened, windows):
    """The limit is named, and the store is not asked."""
    opened = await opened(windows(), max_entities=2)

    with pytest.raises(TooLarge, match="3 entities are more than the 2 of one request"):
        await opened.ask([1, 2, 3])


async def test_no_entity_means_the_configured_one(opened, windows):
    """Feast cannot list what it holds, so without a configured one there is no answer."""
    repo = windows()

    assert told(await (await opened(repo, default_entity="2")).ask(None), "entities") == [2]
    with pytest.raises(Impossible, match="send ids of location_id"):
        await (await opened(repo)).ask(None)


async def test_many_unknown_entities_make_a_short_message(opened, windows):
    """Ten are named, all are in the statuses."""
    opened = await opened(windows())

    with pytest.raises(UnknownEntities, match="; and 90 more") as error:
        await opened.ask(list(range(100, 200)))

    assert len(error.value.statuses) == 100
    assert len(error.value.message) < 1000


async def test_partial_with_nothing_found_is_an_error(opened, windows):
    """An answer of no rows would look like success."""
    opened = await opened(windows())

    with pytest.raises(UnknownEntities, match="location_id 8"):
        await opened.ask([8, 9], partial=True)
    with pytest.raises(Malformed, match="partial must be true or false"):
        await opened.ask([1], partial="yes")


async def test_a_request_asks_the_store_once_and_the_registry_never(opened, windows, monkeypatch):
    """Two views are two reads of the online store, however many entities; looking the service up takes 15 ms."""
    opened = await opened(windows())
    await opened.ask([1])
    reads, lookups = [], []
    read = SqliteOnlineStore.online_read
    monkeypatch.setattr(SqliteOnlineStore, "online_read", lambda *args, **kw: reads.append(kw) or read(*args, **kw))
    for name in [
        name for name in dir(Registry) if name.startswith(("get_", "list_", "refresh", "_get_registry_proto"))
    ]:
        method = getattr(Registry, name)
        monkeypatch.setattr(
            Registry, name, lambda *args, _of=method, _name=name, **kw: lookups.append(_name) or _of(*args, **kw)
        )

    await opened.ask([1, 2, 3])

    assert [len(each["entity_keys"]) for each in reads] == [3, 3]
    assert lookups == []


async def test_redis_is_asked_once_for_all_views_and_entities(opened, windows, redis_online, redis_server):
    """One round trip: one HMGET for each entity."""
    import redis  # noqa: PLC0415 -- to watch the server

    opened = await opened(windows(redis_online))
    await opened.ask([1])
    with redis.Redis(port=redis_server.port) as client:
        before = client.info("commandstats")["cmdstat_hmget"]["calls"]

        await opened.ask([1, 2, 3])

        assert client.info("commandstats")["cmdstat_hmget"]["calls"] - before == 3


ORDER = """
import asyncio, sys
from pathlib import Path
import numpy as np
from twinpin.features import Settings, load
from twinpin.step.step import Context

async def main():
    step = load(Settings(feature_repo=Path(sys.argv[1]), feature_service="forecast_features"))
    response = step._store._query(step._service.query, {"location_id": [1]})
    print(*response.metadata.feature_names.val)
    answer = await step.run({"location_id": np.array([1])}, Context())
    print(*[f"{name}={tensor[0]}" for name, tensor in answer.tensors.items()])
    await step.close()

asyncio.run(main())
"""


def test_features_are_named_right_in_every_process(tmp_path):
    """Feast orders scalars by hash, anew in each process; our order and values are those of the service."""
    repo = scalar_repo(tmp_path / "repo", lags=24)
    repo.write("readings", {1: scalar_row(5.0, lags=24)})

    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", ORDER, str(repo.folder)],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONSAFEPATH": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2", "3")
    ]
    orders, answers = zip(*(process.communicate()[0].splitlines() for process in processes), strict=True)

    assert len(set(orders)) == 3
    assert len(set(answers)) == 1
    assert answers[0].startswith("temp_lag_00=5.0 temp_lag_01=6.0 temp_lag_02=7.0 temp_lag_03=8.0")


async def test_the_repository_may_be_named_by_its_yaml_from_any_folder(opened, tmp_path, monkeypatch):
    """Relative paths in it start at its own folder, as with `feast` itself."""
    repo = window_repo(tmp_path / "repo")
    fill_windows(repo)
    monkeypatch.chdir("/")

    opened = await opened(repo, feature_repo=Path("../") / repo.folder.relative_to("/") / "feature_store.yaml")

    assert told(await opened.ask([1]), "entities") == [1]
