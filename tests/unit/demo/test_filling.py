"""Filling: the windows that Feast gets, and the address of its store."""

import numpy as np
import pandas as pd
import pytest
import yaml

from demo_forecast import filling
from demo_forecast.weather import COLUMNS


@pytest.fixture
def weather():
    """Two locations, each longer than a window."""
    index = pd.date_range("2026-01-01T00:00Z", periods=700, freq="h")
    frame = pd.DataFrame(dict.fromkeys(COLUMNS, np.arange(700.0)), index=index)
    return {1: frame, 2: frame + 1000}


def test_a_window_holds_the_newest_672_values_oldest_first(weather):
    """What the features step slices."""
    first = filling.windows(weather).iloc[0]

    assert first["temp"].tolist() == list(np.arange(28.0, 700.0))
    assert first["event_timestamp"] == weather[1].index[-1]


def test_there_is_one_row_per_location(weather):
    """Keyed by an integer."""
    frame = filling.windows(weather)

    assert frame["location_id"].tolist() == [1, 2]
    assert frame["location_id"].dtype == np.int64


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("127.0.0.1:6379", "127.0.0.1:6379"),
        ("redis://store", "store:6379"),
        ("redis://store:7000/2", "store:7000,db=2"),
        ("rediss://me:secret@store:7000", "store:7000,username=me,password=secret,ssl=true"),
    ],
)
def test_a_redis_url_is_written_as_feast_takes_it(url, expected):
    """Host and port first, then the options."""
    assert filling.connection_string(url) == expected


def test_the_repository_takes_redis_in_place_of_the_embedded_store(tmp_path):
    """The rest of the document stays."""
    filling.make_repository(tmp_path, "redis://store:7000")
    document = yaml.safe_load((tmp_path / "feature_store.yaml").read_text())

    assert document["online_store"] == {"type": "redis", "connection_string": "store:7000"}
    assert document["registry"] == "data/registry.db"


def test_the_repository_has_the_definitions_of_every_series(tmp_path):
    """A series that the model wants and no field holds would be missing online."""
    filling.make_repository(tmp_path, None)
    view = filling._definitions(tmp_path).weather_window

    assert {field.name for field in view.schema} - {"location_id"} == set(COLUMNS)
