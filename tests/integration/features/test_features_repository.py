"""What keeps a features step from starting, and how a repository's names become tensors."""

import subprocess
import sys
from datetime import timedelta

import numpy as np
import pytest
from feast import Entity, FeatureService, Field, FileSource, ValueType
from feast import FeatureView as View
from feast.types import Array, Bytes, Float64, Int64
from feature_repos import HOUR, fill_windows, location, make_repo, scalar_repo, series, this_hour, told, view, written

from twinpin.features import Settings, load
from twinpin.step.errors import CannotStart, UnknownEntities


def start(repo, **settings):
    """Load the step of a repository."""
    load(Settings(**{"feature_repo": repo.folder, "feature_service": "forecast_features"} | settings))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"feature_repo": None}, "Set feature_repo"),
        ({"feature_service": None}, "Set feature_service"),
        ({"feature_service": "other"}, "Feature service other does not exist"),
        ({"default_entity": "EWR"}, "The setting default_entity does not fit: 'EWR' is no id for location_id"),
        ({"window": 0}, "The setting window is 0"),
        ({"resolution": float("nan")}, "The setting resolution is nan"),
        ({"entity_key": "site_id"}, r"join keys \['location_id'\], and the setting entity_key is site_id"),
    ],
)
def test_a_wrong_setting_keeps_the_step_from_starting(windows, settings, reason):
    """The error names the setting, for the operator."""
    with pytest.raises(CannotStart, match=reason):
        start(windows(), **settings)


def test_a_missing_repository_keeps_the_step_from_starting(tmp_path):
    """An empty folder is no repository."""
    with pytest.raises(CannotStart, match="no Feast repository at"):
        load(Settings(feature_repo=tmp_path, feature_service="forecast_features"))


def test_a_broken_repository_file_keeps_the_step_from_starting(windows):
    """Feast's own sentence says what is wrong with the file."""
    repo = windows()
    (repo.folder / "feature_store.yaml").write_text("project: weather\nonline_store: {type: nosuch}\n")

    with pytest.raises(CannotStart, match="cannot be served"):
        start(repo)


def test_two_join_keys_keep_the_step_from_starting(tmp_path):
    """A request names entities by one key."""
    site = Entity(name="site", join_keys=["site_id"], value_type=ValueType.INT64)
    source = FileSource(name="other_source", path="never-read.parquet", timestamp_field="event_timestamp")
    fields = [Field(name="site_id", dtype=Int64), Field(name="load", dtype=Float64)]
    other = View(name="other", entities=[site], schema=fields, source=source)
    weather = view("weather", location(), {"temp": Array(Float64)})
    service = FeatureService(name="forecast_features", features=[weather, other])
    repo = make_repo(tmp_path / "repo", [site, location(), weather, other, service])

    with pytest.raises(CannotStart, match=r"\['location_id', 'site_id'\]"):
        start(repo)


def test_a_type_that_no_tensor_holds_keeps_the_step_from_starting(tmp_path):
    """It is named with its feature."""
    photo = view("photo", location(), {"picture": Bytes})
    service = FeatureService(name="forecast_features", features=[photo])
    repo = make_repo(tmp_path / "repo", [location(), photo, service])

    with pytest.raises(CannotStart, match="Feature picture is of Feast type BYTES"):
        start(repo)


async def test_outputs_are_the_features_in_the_services_order(opened, tmp_path):
    """Metadata shows what comes, in one order for ever."""
    repo = scalar_repo(tmp_path / "repo", lags=3)
    step = (await opened(repo)).step

    names = ["temp_lag_00", "temp_lag_01", "temp_lag_02", "gust", "station", "coastal", "sky", "serviced"]
    assert [spec.name for spec in step.outputs] == names
    assert [spec.shape for spec in step.outputs] == [(-1,)] * 8


async def test_window_outputs_have_the_configured_length(opened, windows):
    """A client learns how many values come."""
    step = (await opened(windows(), window=24)).step

    assert [(spec.name, spec.datatype, spec.shape) for spec in step.outputs] == [
        (name, "FP64", (-1, 24)) for name in ("temp", "humid", "pressure")
    ]


async def test_one_name_in_two_views_gets_its_view_before_it(opened, tmp_path):
    """Feast refuses such a service unless full names are asked for."""
    indoor, outdoor = (view(name, location(), {"temp": Array(Float64)}) for name in ("indoor", "outdoor"))
    service = FeatureService(name="forecast_features", features=[indoor, outdoor])
    repo = make_repo(tmp_path / "repo", [location(), indoor, outdoor, service])
    repo.write("indoor", {1: {"temp": series(1)}})
    repo.write("outdoor", {1: {"temp": series(2)}})

    answer = await (await opened(repo)).ask([1])

    assert {name: tensor[0, 0] for name, tensor in answer.tensors.items()} == {
        "indoor__temp": 1000.0,
        "outdoor__temp": 2000.0,
    }


async def test_a_service_may_rename_views_and_choose_features(opened, tmp_path):
    """Projections are the service's own business."""
    weather = view("weather", location(), {"temp": Array(Float64), "humid": Array(Float64)})
    service = FeatureService(name="forecast_features", features=[weather[["humid"]].with_name("outside")])
    repo = make_repo(tmp_path / "repo", [location(), weather, service])
    repo.write("weather", {1: {"temp": series(1), "humid": series(2)}})

    answer = await (await opened(repo)).ask([1])

    assert {name: tensor[0, 0] for name, tensor in answer.tensors.items()} == {"humid": 2000.0}


async def test_a_constant_beside_windows_needs_no_time_of_its_own(opened, tmp_path):
    """A station's altitude was known long before; it is no answer for a time before it was known."""
    weather = view("weather", location(), {"temp": Array(Float64)})
    site = view("site", location(), {"altitude": Float64})
    service = FeatureService(name="forecast_features", features=[weather, site])
    repo = make_repo(tmp_path / "repo", [location(), weather, site, service])
    repo.write("weather", {1: {"temp": series(1)}})
    repo.write("site", {1: {"altitude": 12.0}}, this_hour() - 10 * HOUR)
    opened = await opened(repo, max_age=3 * 3600, window=4)

    answer = await opened.ask([1], time_point=written(this_hour() - 5 * HOUR))

    assert told(answer, "as_of") == [written(this_hour() - 5 * HOUR)]
    assert answer.tensors["altitude"].tolist() == [12.0]
    assert told(await opened.ask([1]), "as_of") == [written(this_hour())]
    with pytest.raises(UnknownEntities, match="its only row of site is of"):
        await opened.ask([1], time_point=written(this_hour() - 11 * HOUR))


async def test_precomputed_vectors_are_not_used(opened, tmp_path, redis_online):
    """They fail a whole request for one unknown entity, and exist only where somebody made them."""
    weather = view("weather", location(), {"temp": Array(Float64)})
    service = FeatureService(name="forecast_features", features=[weather], precompute_online=True)
    repo = make_repo(tmp_path / "repo", [location(), weather, service], redis_online)
    repo.write("weather", {1: {"temp": series(1)}})

    answer = await (await opened(repo)).ask([1, 9], partial=True)

    assert told(answer, "missing") == {"9": "unknown"}


async def test_a_definition_that_changes_does_not_reach_a_running_step(opened, windows):
    """A model keeps the features that it was fitted on until a rollout; rows written since are served."""
    repo = windows(at=this_hour() - HOUR)
    opened = await opened(repo)
    weather = view("weather", location(), {"temp": Array(Float64)}, timedelta(seconds=1))
    repo.feast.apply([weather, FeatureService(name="forecast_features", features=[weather])])

    assert list((await opened.ask([1])).tensors) == ["temp", "humid", "pressure"]
    fill_windows(repo, [7])


async def test_each_row_is_read_afresh(opened, windows):
    """Nothing is kept between requests."""
    repo = windows(at=this_hour() - HOUR)
    opened = await opened(repo)
    before = await opened.ask([1])
    fill_windows(repo, [1], length=49)

    after = await opened.ask([1])

    assert before.tensors["temp"].shape == (1, 48)
    assert np.array_equal(after.tensors["temp"], series(1, 49)[None])


def test_a_registry_in_a_database_is_read_as_one_in_a_file_is(tmp_path):
    """Its libraries are imported only where it is one."""
    weather = view("weather", location(), {"temp": Array(Float64)})
    service = FeatureService(name="forecast_features", features=[weather])
    database = {"registry_type": "sql", "path": f"sqlite:///{tmp_path / 'feast.db'}"}
    repo = make_repo(tmp_path / "repo", [location(), weather, service], registry=database)
    code = (
        "import sys; from pathlib import Path; from twinpin.features import Settings, load\n"
        "print('sqlalchemy' in sys.modules)\n"
        "settings = Settings(feature_repo=Path(sys.argv[1]), feature_service='forecast_features')\n"
        "print([each.name for each in load(settings).outputs])\n"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code, repo.folder], capture_output=True, text=True, check=False)

    assert done.stdout == "False\n['temp']\n", done.stderr
