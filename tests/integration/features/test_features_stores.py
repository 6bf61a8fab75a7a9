"""FeaturesStep on every online store: one meaning, whatever the store says of rows it does not hold."""

import asyncio
import gc

import numpy as np
import pytest
from feast import ValueType
from feature_repos import HOUR, fill_windows, series, this_hour, told, window_repo, written

from twinpin.features import Settings, load
from twinpin.step.errors import UnknownEntities
from twinpin.step.step import Context


async def test_windows_come_back_as_they_were_stored(opened, windows, online):
    """Every value of every feature, oldest first, in rows of the request's order, duplicates included."""
    opened = await opened(windows(online))

    answer = await opened.ask([3, 1, 3, 2])

    expected = np.stack([series(3), series(1), series(3), series(2)])
    assert np.array_equal(answer.tensors["temp"], expected)
    assert np.array_equal(answer.tensors["humid"], expected + 0.1)
    assert np.array_equal(answer.tensors["pressure"], expected + 0.2)
    assert told(answer, "entities") == [3, 1, 3, 2]
    assert told(answer, "as_of") == [written(this_hour())] * 4
    assert answer.parameters["entity_key"] == "location_id"


async def test_an_unknown_entity_is_named(opened, windows, online):
    """Redis reports it as PRESENT with a null, the others as NOT_FOUND: the event time decides."""
    opened = await opened(windows(online))

    with pytest.raises(UnknownEntities, match="location_id 9: the store holds no row of it") as error:
        await opened.ask([1, 9])

    assert error.value.statuses == {"9": "unknown"}


async def test_an_entity_that_one_view_lacks_is_unknown_there(opened, windows, online):
    """Redis keeps all views of an entity in one hash, so the hash exists."""
    opened = await opened(windows(online))
    opened.repo.write("weather", {4: {"temp": series(4), "humid": series(4)}})

    with pytest.raises(UnknownEntities, match="location_id 4: the store holds no row of it in air") as error:
        await opened.ask([4])

    assert error.value.statuses == {"4": "unknown"}


async def test_a_null_window_is_told_from_an_unknown_entity(opened, windows, online):
    """A row that was written with a null has a time."""
    opened = await opened(windows(online))
    opened.repo.write("weather", {4: {"temp": None, "humid": series(4)}})
    opened.repo.write("air", {4: {"pressure": series(4)}})

    with pytest.raises(UnknownEntities, match="temp is null in its row of") as error:
        await opened.ask([4])

    assert error.value.statuses == {"4": "null"}


async def test_nan_inside_a_window_is_kept(opened, windows, online):
    """The preprocessor imputes it; nobody else may."""
    opened = await opened(windows(online))
    gappy = series(4)
    gappy[[0, 5, 47]] = np.nan
    opened.repo.write("weather", {4: {"temp": gappy, "humid": series(4)}})
    opened.repo.write("air", {4: {"pressure": series(4)}})

    answer = await opened.ask([4])

    assert np.array_equal(answer.tensors["temp"], gappy[None], equal_nan=True)


async def test_partial_leaves_out_what_has_no_features(opened, windows, online):
    """The rest is answered, and what is missing is listed with its status."""
    opened = await opened(windows(online))

    answer = await opened.ask([9, 2, 8, 1], partial=True)

    assert told(answer, "entities") == [2, 1]
    assert told(answer, "missing") == {"9": "unknown", "8": "unknown"}
    assert answer.tensors["temp"].shape == (2, 48)


async def test_text_keys_work_and_are_no_numbers(opened, online, tmp_path):
    """An id that looks like a number stays a text."""
    repo = window_repo(tmp_path / "repo", online, key=ValueType.STRING)
    fill_windows(repo, ["5", "007"])
    opened = await opened(repo)

    answer = await opened.ask(["007", "5"])

    assert told(answer, "entities") == ["007", "5"]
    assert answer.tensors["temp"][:, 0].tolist() == [7000.0, 5000.0]
    assert opened.step.inputs[0].datatype == "BYTES"


async def test_a_hundred_entities_are_answered_in_order(opened, windows, online):
    """Large answers take another way (worker threads), with the same result."""
    opened = await opened(windows(online))
    ids = list(range(10, 310))
    fill_windows(opened.repo, ids, length=3)

    answer = await opened.ask(ids[::-1])

    assert answer.tensors["temp"].tolist() == [series(each, 3).tolist() for each in ids[::-1]]


async def test_requests_at_once_do_not_mix(opened, windows, online):
    """Each gets its own entities at its own time, while a hundred share connections and threads."""
    # DynamoDB's stand-in answers a hundred reads one after another, which takes seconds on a busy machine.
    opened = await opened(windows(online), window=4, store_timeout=60)
    wanted = [([1 + n % 3, 1 + (n + 1) % 3], n % 20) for n in range(100)]

    answers = await asyncio.gather(
        *(opened.ask(ids, time_point=written(this_hour() - back * HOUR)) for ids, back in wanted)
    )

    for (ids, back), answer in zip(wanted, answers, strict=True):
        rows = [series(each)[44 - back : 48 - back].tolist() for each in ids]
        assert answer.tensors["temp"].tolist() == rows


async def test_a_step_that_closed_leaves_nothing_open(windows, online, recwarn):
    """DynamoDB and Redis report a client that nobody closed when it is collected; first requests at once make one."""
    repo = windows(online)  # kept: Feast's own object, which filled the store, never closes SQLite
    gc.collect()  # those of the tests before
    recwarn.clear()
    step = load(Settings(feature_repo=repo.folder, feature_service="forecast_features"))
    await asyncio.gather(*(step.run({"entities": np.array([1])}, Context()) for _ in range(10)))

    await step.close()
    await step.close()
    del step
    gc.collect()

    assert not [warning for warning in recwarn if issubclass(warning.category, ResourceWarning)]
