"""`twinpin serve` on a pair and features of other names: every forecast is what MLflow computes of the same rows."""

from datetime import timedelta

import httpx
import numpy as np
import pytest


@pytest.fixture(scope="module")
def client(server):
    """A client of the server."""
    with httpx.Client(base_url=server.url, timeout=20) as client:
        yield client


def near(found, wanted):
    """Compare forecasts."""
    np.testing.assert_allclose(np.array(found, dtype=float), wanted, atol=1e-5)


def test_the_line_that_it_prints_names_pair_and_ports(server):
    """One line, when requests are taken."""
    assert server.line.startswith("Forecasts of pair p1-m1-")


@pytest.mark.parametrize("behind", [0, 1, 25])
@pytest.mark.parametrize("location", [1, 2, 3])
def test_an_entity_now_and_then(world, client, location, behind):
    """Past times come from the rows up to them; gaps are imputed."""
    from served_world import row  # noqa: PLC0415 -- see conftest

    time = "now" if behind == 0 else (world.at - timedelta(hours=behind)).isoformat()
    body = {"entities": location, "entity_key": "location_id", "time_point": time}
    answer = client.post("/predict/feast", json=body).raise_for_status().json()

    near(answer["prediction"], world.offline(row(location, behind))[0])
    assert answer["as_of"].startswith((world.at - timedelta(hours=behind)).isoformat()[:19])


def test_a_time_before_the_window_and_one_after_the_newest_row_are_422(world, client):
    """Both say what the store holds."""
    for hours, status in ((-26, "before_window"), (1, "after_newest")):
        time = (world.at + timedelta(hours=hours)).isoformat()
        response = client.post("/predict/feast", json={"entities": 1, "time_point": time})

        assert (response.status_code, response.json()["missing"]) == (422, {"1": status})


def test_a_batch_and_the_default_entity(world, client):
    """The default is a setting."""
    from served_world import row  # noqa: PLC0415

    batch = client.post("/predict/feast/batch", json={"entities": [3, 1, 2]}).raise_for_status().json()
    default = client.post("/predict/feast", json={"entities": None}).raise_for_status().json()

    assert list(batch["predictions"]) == ["3", "1", "2"]
    for name, forecast in batch["predictions"].items():
        near(forecast, world.offline(row(int(name)))[0])
    near(default["prediction"], world.offline(row(2))[0])


def test_columns_as_windows_and_as_lags(world, client):
    """Either is the preprocessor's input; null is a gap."""
    from served_world import row, windows  # noqa: PLC0415

    lags = {name: values.astype(object).where(values.notna(), None).tolist() for name, values in row(3).items()}
    whole = {name: [[None if np.isnan(each) else each for each in window]] for name, window in windows(3).items()}
    answers = [client.post("/predict", json={"data": data}).raise_for_status().json() for data in (lags, whole)]

    for answer in answers:
        near(answer["prediction"], world.offline(row(3))[0])
    assert answers[0]["pair"]["id"].startswith("p1-m1-")


def test_health_and_metadata(client):
    """Both name the pair."""
    health = client.get("/health").raise_for_status().json()
    model = client.get("/v2/models/forecast").json()

    assert (health["status"], health["feast_available"]) == ("ok", True)
    assert model["versions"] == ["1", health["pair"]["id"]]
    assert {each["name"] for each in model["inputs"]} > {"level_lag_0", "swell_lag_4", "location_id"}
    assert model["outputs"][0]["shape"] == [-1, 3]


def test_the_store_is_read_for_as_many_hours_as_the_preprocessor_looks_back(server):
    """The window is found from its signature."""
    features = httpx.get(f"{server.url}/page/history?entity=1").json()
    metrics = httpx.get(f"{server.url}/metrics").text

    assert len(features["series"]["level"]) == 30
    assert 'twinpin_step_duration_seconds_count{step="features"}' in metrics
