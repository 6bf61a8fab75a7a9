"""Filling a real Feast store: what goes in comes out, and newer replaces older."""

from datetime import UTC, datetime

import numpy as np
import pytest
from feast import FeatureStore

from demo_forecast import filling, weather
from demo_forecast.weather import COLUMNS


@pytest.fixture
def repository(tmp_path):
    """The demo's feature repository on embedded stores."""
    filling.make_repository(tmp_path, None)
    return tmp_path


def read(repository, location):
    """Read one location as a server would."""
    store = FeatureStore(repo_path=str(repository))
    service = store.get_feature_service(filling.SERVICE)
    return store.get_online_features(service, [{filling.ENTITY_KEY: location}]).to_dict()


def test_the_store_holds_the_newest_window_of_every_series(repository, measured):
    """Value by value, gaps included."""
    replayed = weather.replay(measured, datetime(2026, 3, 1, 15, 20, tzinfo=UTC))
    newest = filling.fill(repository, replayed)
    found = read(repository, 2)

    assert newest.isoformat() == "2026-03-01T15:00:00+00:00"
    for column in COLUMNS:
        assert np.array_equal(found[column][0], replayed[2][column].to_numpy()[-filling.HOURS :], equal_nan=True)


def test_an_hour_later_the_window_has_moved_on(repository, measured):
    """What the demo does while it serves."""
    filling.fill(repository, weather.replay(measured, datetime(2026, 3, 1, 15, 20, tzinfo=UTC)))
    before = read(repository, 1)["hour"][0]
    newest = filling.fill(repository, weather.replay(measured, datetime(2026, 3, 1, 16, 20, tzinfo=UTC)))
    after = read(repository, 1)["hour"][0]

    assert newest.isoformat() == "2026-03-01T16:00:00+00:00"
    assert after == [*before[1:], 16.0]
