"""Redis read without Feast's objects: the same rows as through Feast, and Feast where they are not."""

from datetime import timedelta

import numpy as np
import pytest
import redis
from feast import FeatureService, ValueType
from feast.types import Array, Bool, Float32, Float64, Int64, String, UnixTimestamp
from feature_repos import KEY, location, make_repo, this_hour, view

from twinpin.features import connections
from twinpin.step.errors import UnknownEntities

SCALARS = {"height": Float64, "slope": Float32, "zone": Int64, "name": String, "coast": Bool, "since": UnixTimestamp}
WINDOWS = {"temp": Array(Float64), "rain": Array(Float32), "codes": Array(Int64)}
STATIONS = (1, 2, 3, 4)


def windows_of(station):
    """Windows of a length of their own for one station."""
    length = 6 if station == 4 else 5
    return {
        "temp": np.arange(length) + station / 2,
        "rain": np.arange(length, dtype=np.float32) * station,
        "codes": np.arange(length) * station,
    }


def scalars_of(station):
    """Values of every type."""
    return {
        "height": -0.5 * station,
        "slope": 0.25 * station,
        "zone": 10**12 + station,
        "name": f"Zürich {station}",
        "coast": station % 2 == 0,
        "since": this_hour() - timedelta(days=station),
    }


@pytest.fixture
def stations(tmp_path, redis_online):
    """Two views of one key, every type of value in them."""

    def make(key=ValueType.INT64):
        entity = location(key)
        views = [view("weather", entity, WINDOWS), view("place", entity, SCALARS)]
        renamed = views[1][["name", "height", "slope", "zone", "coast", "since"]].with_name("site")
        services = [
            FeatureService(name="forecast_features", features=[views[0], renamed]),
            FeatureService(name="sites", features=[renamed]),
            FeatureService(name="windows", features=[views[0]]),
        ]
        repo = make_repo(tmp_path / "repo", [entity, *views, *services], redis_online)
        ids = {number: str(number) if key == ValueType.STRING else number for number in STATIONS}
        repo.write("weather", {ids[each]: windows_of(each) for each in STATIONS})
        repo.write("place", {ids[each]: scalars_of(each) for each in STATIONS})
        return repo

    return make


async def both_ways(opened, ids, **parameters):
    """Ask directly, once both ways were seen to agree, and through Feast."""
    store = opened.step._store
    while store._direct is not None and not store._agreement.reached:
        await opened.ask(ids, **parameters)
    assert store._direct is not None, "it was given up"
    directly = await opened.ask(ids, **parameters)
    store._direct, direct = None, store._direct
    through_feast = await opened.ask(ids, **parameters)
    store._direct = direct
    return directly, through_feast


def assert_same(one, other):
    """Compare tensors with their types, and parameters."""
    assert one.parameters == other.parameters
    assert list(one.tensors) == list(other.tensors)
    for name, tensor in one.tensors.items():
        assert tensor.dtype == other.tensors[name].dtype
        np.testing.assert_array_equal(tensor, other.tensors[name])


@pytest.mark.parametrize("service", ["forecast_features", "sites"])
@pytest.mark.parametrize("ids", [[1], [3, 1, 3], [1, 2, 3, 4]])
async def test_it_is_what_feast_says(opened, stations, service, ids):
    """Every type, a view under another name, one id twice, windows of two lengths."""
    opened = await opened(stations(), feature_service=service)

    assert_same(*await both_ways(opened, ids))


async def test_text_keys_are_found(opened, stations):
    """A key is named by Feast's own functions."""
    opened = await opened(stations(ValueType.STRING))

    assert_same(*await both_ways(opened, ["2", "1"]))


async def test_rows_of_two_times_are_found(opened, stations):
    """Each is cut at the hour that both views reach."""
    repo = stations()
    repo.write("weather", {2: windows_of(2)}, this_hour() - timedelta(hours=1))
    opened = await opened(repo, window=4)

    assert_same(*await both_ways(opened, [1, 2, 3]))


async def test_a_past_time_is_cut_from_the_same_read(opened, stations):
    """Windows alone have a past."""
    opened = await opened(stations(), feature_service="windows", window=4)
    past = (this_hour() - timedelta(hours=1)).isoformat()

    assert_same(*await both_ways(opened, [1, 2, 4], time_point=past))


async def test_unknown_entities_are_none(opened, stations):
    """As through Feast, by the time of their row."""
    opened = await opened(stations())
    await both_ways(opened, [1])

    with pytest.raises(UnknownEntities, match=f"No features for {KEY} 77"):
        await opened.ask([1, 77])


async def test_rows_that_differ_from_feasts_are_never_served(opened, stations, monkeypatch, caplog):
    """A field that is not where we look for it gives Feast's answer, a line in the log, and Feast from then on."""
    fields = connections.redis_fields
    monkeypatch.setattr(connections, "redis_fields", lambda *args: [b"????", *fields(*args)[1:]])
    opened = await opened(stations())

    answer = await opened.ask([1])

    np.testing.assert_array_equal(answer.tensors["temp"][0], windows_of(1)["temp"])
    assert opened.step._store._direct is None
    assert "read through Feast from now on" in caplog.text


async def test_a_connection_that_went_stale_is_replaced(opened, stations, redis_server):
    """The server closes idle connections; nobody's request is lost to it."""
    opened = await opened(stations())
    before, _ = await both_ways(opened, [1, 2])
    with redis.Redis(port=redis_server.port) as admin:
        for client in admin.client_list():
            if client["name"] != "admin" and client["cmd"] == "hmget":
                admin.client_kill_filter(_id=client["id"])

    assert_same(await opened.ask([1, 2]), before)
