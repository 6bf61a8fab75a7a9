"""FeaturesStep and time: windows cut at the time asked for, freshness, and what has no history."""

import json
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from feature_repos import HOUR, on_demand_repo, scalar_repo, scalar_row, series, this_hour, told, window_repo, written

from twinpin.step.errors import Impossible, Malformed, UnknownEntities


async def test_a_past_time_is_served_from_the_same_read(opened, windows):
    """Lag 0 stands at the hour asked for, and nothing after it comes out."""
    opened = await opened(windows(), window=24)
    asked = this_hour() - 5 * HOUR

    answer = await opened.ask([2], time_point=written(asked))

    assert answer.tensors["temp"].tolist() == [series(2)[48 - 5 - 24 : 48 - 5].tolist()]
    assert told(answer, "as_of") == [written(asked)]


@pytest.mark.parametrize(
    ("form", "zone"),
    [("%Y-%m-%dT%H:59:59.9%z", UTC), ("%Y-%m-%dT%H:30:00%z", timezone(2 * HOUR)), ("%Y-%m-%dT%H:10", UTC)],
)
async def test_a_time_inside_an_hour_means_that_hour(opened, windows, form, zone):
    """Minutes, zones and a missing zone (UTC) change nothing."""
    opened = await opened(windows(), window=24)
    asked = this_hour() - 5 * HOUR

    answer = await opened.ask([2], time_point=asked.astimezone(zone).strftime(form))

    assert told(answer, "as_of") == [written(asked)]


async def test_poison_after_the_time_asked_for_never_comes_out(opened, tmp_path):
    """Every row after the time is 1e9, and no answer holds one, at any hour of the window."""
    repo = window_repo(tmp_path / "repo")
    opened = await opened(repo, window=4)
    for back in range(1, 9):
        poisoned = series(1, 12)
        poisoned[-back:] = 1e9
        at = this_hour() + timedelta(minutes=back)  # A store keeps the newer of two rows.
        repo.write("weather", {1: {"temp": poisoned, "humid": poisoned}}, at)
        repo.write("air", {1: {"pressure": poisoned}}, at)

        answer = await opened.ask([1], time_point=written(at - back * HOUR))

        assert answer.tensors["temp"].tolist() == [series(1, 12)[12 - back - 4 : 12 - back].tolist()]
        assert max(tensor.max() for tensor in answer.tensors.values()) < 1e9


async def test_a_time_after_the_newest_row_is_refused(opened, windows):
    """Yesterday's features are no answer for today, and the error says what there is."""
    newest = this_hour() - 30 * HOUR
    opened = await opened(windows(at=newest), window=24)

    with pytest.raises(UnknownEntities, match="its newest row is of " + written(newest)) as error:
        await opened.ask([1], time_point=written(newest + HOUR))

    assert error.value.statuses == {"1": "after_newest"}
    assert told(await opened.ask([1], time_point=written(newest + HOUR - timedelta(seconds=1))), "as_of") == [
        written(newest)
    ]


async def test_a_time_that_leaves_too_little_before_it_is_refused(opened, windows):
    """Twenty-four values are wanted, twenty-three are there."""
    opened = await opened(windows(), window=24)
    earliest = this_hour() - 24 * HOUR

    assert (await opened.ask([1], time_point=written(earliest))).tensors["temp"].shape == (1, 24)
    with pytest.raises(UnknownEntities, match=r"the store holds 48 values of temp from .* and 24 up to") as error:
        await opened.ask([1], time_point=written(earliest - timedelta(seconds=1)))

    assert error.value.statuses == {"1": "before_window"}
    assert "Ask for a time inside" in error.value.message


async def test_a_window_shorter_than_wanted_is_refused(opened, windows):
    """A model fitted on 96 lags gets 96 or nothing."""
    opened = await opened(windows(), window=96)

    with pytest.raises(UnknownEntities) as error:
        await opened.ask([1])

    assert error.value.statuses == {"1": "before_window"}


async def test_feasts_ttl_is_applied_here(opened, windows):
    """Feast serves rows of any age online; the view's ttl is the limit unless max_age is set."""
    repo = windows(ttl=3 * HOUR, at=this_hour() - 30 * 24 * HOUR)
    strict = await opened(repo)
    lenient = await opened(repo, max_age=60 * 24 * 3600)

    with pytest.raises(UnknownEntities, match="older than the limit of 3 h") as error:
        await strict.ask([1])

    assert error.value.statuses == {"1": "stale"}
    assert (await lenient.ask([1])).tensors["temp"].shape == (1, 48)


async def test_max_age_is_the_limit_where_it_is_set(opened, windows):
    """A repository without ttl gets its limit from the setting."""
    repo = windows(at=this_hour() - 3 * HOUR)

    with pytest.raises(UnknownEntities, match="older than the limit of 2 h"):
        await (await opened(repo, max_age=7200)).ask([1])

    assert (await (await opened(repo)).ask([1])).tensors["temp"].shape == (1, 48)


async def test_a_time_inside_a_stale_window_is_exact_and_served(opened, windows):
    """Age is judged against the time asked for, not against the clock."""
    newest = this_hour() - 100 * HOUR
    opened = await opened(windows(ttl=3 * HOUR, at=newest), window=24)

    answer = await opened.ask([1], time_point=written(newest - 2 * HOUR))

    assert told(answer, "as_of") == [written(newest - 2 * HOUR)]


async def test_now_and_the_time_it_reports_give_the_same_features(opened, windows):
    """Two views filled an hour apart are cut to the moment that both reach."""
    repo = windows(at=this_hour() - HOUR)
    repo.write("weather", {1: {"temp": series(1, 49), "humid": series(1, 49)}}, this_hour())
    opened = await opened(repo, window=24)

    now = await opened.ask([1], time_point="now")
    again = await opened.ask([1], time_point=told(now, "as_of")[0])

    assert told(now, "as_of") == [written(this_hour() - HOUR)]
    assert now.tensors["temp"][0, -1] == now.tensors["pressure"][0, -1] - 0.2
    assert all(np.array_equal(now.tensors[name], again.tensors[name]) for name in now.tensors)


async def test_history_returns_all_that_is_stored(opened, windows):
    """A chart needs more than the model, and the step between values."""
    opened = await opened(windows(), window=24)

    whole = await opened.ask([1], history="all")
    past = await opened.ask([1], history="all", time_point=written(this_hour() - 8 * HOUR))

    assert whole.tensors["temp"].tolist() == [series(1).tolist()]
    assert whole.parameters["resolution"] == 3600
    assert past.tensors["temp"].tolist() == [series(1)[:40].tolist()]
    with pytest.raises(Malformed, match="history must be"):
        await opened.ask([1], history="some")


async def test_without_a_window_the_shortest_row_sets_the_length(opened, windows):
    """A tensor has one length; the newest values stay."""
    opened = await opened(windows())
    opened.repo.write("weather", {4: {"temp": series(4, 5), "humid": series(4, 48)}})
    opened.repo.write("air", {4: {"pressure": series(4, 48)}})

    answer = await opened.ask([1, 4])

    assert answer.tensors["temp"].tolist() == [series(1)[-5:].tolist(), series(4, 5).tolist()]
    assert answer.tensors["humid"].shape == (2, 48)


async def test_an_empty_window_is_a_null(opened, windows):
    """A row that holds no value at all is not a short window."""
    opened = await opened(windows())
    opened.repo.write("weather", {4: {"temp": series(4, 0), "humid": series(4)}})
    opened.repo.write("air", {4: {"pressure": series(4)}})

    with pytest.raises(UnknownEntities, match="temp is null in its row of") as error:
        await opened.ask([4])

    assert error.value.statuses == {"4": "null"}


async def test_another_resolution_moves_the_cut(opened, windows):
    """Quarter-hourly windows: one hour back is four values."""
    opened = await opened(windows(), window=8, resolution=900)

    answer = await opened.ask([1], time_point=written(this_hour() - HOUR))

    assert answer.tensors["temp"].tolist() == [series(1)[48 - 4 - 8 : 48 - 4].tolist()]


async def test_scalars_are_served_for_now(opened, tmp_path):
    """Each type of Feast comes as its own datatype, a missing float as NaN."""
    repo = scalar_repo(tmp_path / "repo")
    repo.write("readings", {1: scalar_row(10.0), 2: scalar_row(20.0) | {"temp_lag_03": None}})
    opened = await opened(repo)

    answer = await opened.ask([2, 1])

    assert answer.tensors["temp_lag_00"].tolist() == [20.0, 10.0]
    assert np.isnan(answer.tensors["temp_lag_03"]).tolist() == [True, False]
    assert answer.tensors["gust"].dtype == np.float32
    assert answer.tensors["station"].tolist() == [20, 10]
    assert answer.tensors["coastal"].dtype == bool
    assert answer.tensors["sky"].tolist() == ["clear", "clear"]
    assert answer.tensors["serviced"].tolist() == [datetime(2026, 1, 1, tzinfo=UTC).timestamp()] * 2
    assert {spec.name: spec.datatype for spec in opened.step.outputs}["sky"] == "BYTES"


async def test_scalars_have_no_history(opened, tmp_path):
    """Today's scalars are no answer for an old time, nor for any other."""
    repo = scalar_repo(tmp_path / "repo")
    repo.write("readings", {1: scalar_row()})
    opened = await opened(repo)

    with pytest.raises(Impossible, match='ask for time_point "now"'):
        await opened.ask([1], time_point=written(this_hour()))


@pytest.mark.parametrize("feature", ["station", "coastal", "sky", "serviced"])
async def test_a_null_that_nobody_can_impute_is_refused(opened, tmp_path, feature):
    """An integer, a text, a truth value and a time have no NaN."""
    repo = scalar_repo(tmp_path / "repo")
    repo.write("readings", {1: scalar_row() | {feature: None}})
    opened = await opened(repo)

    with pytest.raises(UnknownEntities, match=f"{feature} is null in its row of") as error:
        await opened.ask([1])

    assert error.value.statuses == {"1": "null"}


async def test_on_demand_features_are_computed_for_now(opened, tmp_path):
    """Of a stored feature and one of the request, row by row."""
    repo = on_demand_repo(tmp_path / "repo")
    repo.write("site", {1: {"altitude": 10.0}, 2: {"altitude": 20.0}})
    opened = await opened(repo)
    assert [spec.name for spec in opened.step.inputs] == ["location_id", "offset"]

    tensors = {"location_id": np.array([2, 1]), "offset": np.array([0.5, 0.25])}
    answer = await opened.step.run(tensors, opened.context(time_point="now"))

    assert answer.tensors["altitude"].tolist() == [20.0, 10.0]
    assert answer.tensors["felt"].tolist() == [40.5, 20.25]
    with pytest.raises(Impossible, match="have no history"):
        await opened.step.run(tensors, opened.context(time_point=written(this_hour())))
    with pytest.raises(Malformed, match="Send offset too, one value for each of the 2 entities"):
        await opened.ask([1, 2])


async def test_on_demand_features_alone_are_dated_by_their_source(opened, tmp_path):
    """The service does not name the source view, whose times decide all the same."""
    repo = on_demand_repo(tmp_path / "repo", with_source=False)
    repo.write("site", {1: {"altitude": 10.0}}, this_hour() - HOUR)
    opened = await opened(repo)

    tensors = {"location_id": np.array([1, 9]), "offset": np.array([0.5, 0.5])}
    answer = await opened.step.run(tensors, opened.context(partial=True))

    assert list(answer.tensors) == ["felt"]
    assert answer.tensors["felt"].tolist() == [20.5]
    assert told(answer, "as_of") == [written(this_hour() - HOUR)]
    assert json.loads(answer.parameters["missing"]) == {"9": "unknown"}
