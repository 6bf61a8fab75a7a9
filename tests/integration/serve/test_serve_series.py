"""KServe's time-series API on real pairs: MLflow's forecasts in KServe's types, and quantiles that XGBoost learned."""

from datetime import datetime, timedelta

import httpx
import kserve_series
import numpy as np
import pytest

PATH = "/v1/timeseries/forecast"
QUANTILES = [0.1, 0.5, 0.9]


@pytest.fixture(scope="module")
def client(world):
    """A client of the world's pair, whose forecasts are of the level."""
    with world.serve("series", page_series="level") as server, httpx.Client(base_url=server.url, timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def made(world, tmp_path_factory):
    """A pair that forecasts quantiles."""
    from served_world import register_quantiles  # noqa: PLC0415 -- see conftest

    return register_quantiles(tmp_path_factory.mktemp("quantiles"), world.registry, "quantiles", QUANTILES)


@pytest.fixture(scope="module")
def quantiles(world, made):
    """A client of that pair."""
    with (
        world.serve("quantiles", store=False, alias="quantiles") as server,
        httpx.Client(base_url=server.url, timeout=20) as client,
    ):
        yield client


def near(found, wanted):
    """Compare forecasts."""
    np.testing.assert_allclose(np.array(found, dtype=float), wanted, atol=1e-5)


@pytest.mark.parametrize("behind", [0, 1, 25])
def test_a_series_named_for_an_entity_takes_its_other_columns_from_the_store(world, client, behind):
    """Now and then: the stored columns are those that were known at the newest value."""
    from served_world import row, windows  # noqa: PLC0415

    level = windows(1)["level"][: 30 - behind].tolist()
    start = (world.at - timedelta(hours=29)).isoformat()
    body = kserve_series.body({"name": "1", "series": level, "start_timestamp": start}, horizon=3)
    answer, (forecast,) = kserve_series.read(client.post(PATH, json=body))

    near(forecast.mean_forecast, world.offline(row(1, behind))[0])
    assert datetime.fromisoformat(forecast.start_timestamp) == world.at + timedelta(hours=1 - behind)
    assert answer.pair["id"].startswith("p1-m1-")


def test_the_series_is_what_is_forecast_not_what_is_stored(world, client):
    """What the client knows better wins."""
    from served_world import LAGS, row  # noqa: PLC0415

    rows = row(1)
    rows[[f"level_lag_{lag}" for lag in range(LAGS)]] = [5.0, 4.0, 3.0, 2.0, 1.0]
    body = kserve_series.body(("1", [1, 2, 3, 4, 5]), horizon=3)
    _, (forecast,) = kserve_series.read(client.post(PATH, json=body))

    near(forecast.mean_forecast, world.offline(rows)[0])


def test_quantiles_are_those_of_the_real_model(made, quantiles):
    """Each by its name, the median as the point forecast, and in the protocol's parameters."""
    level = [0.3, -0.2, 0.5, 1.0, 0.7]
    series = {"name": "mine", "series": level, "start_timestamp": "2026-01-31", "frequency": "D"}
    _, (forecast,) = kserve_series.read(
        quantiles.post(PATH, json=kserve_series.body(series, horizon=1, quantiles=QUANTILES))
    )
    import pandas as pd  # noqa: PLC0415 -- see conftest

    rows = pd.DataFrame([level[::-1]], columns=[f"level_lag_{lag}" for lag in range(5)])
    low, median, high = made.offline(rows)[0]
    tensor = {"name": "level", "datatype": "FP64", "shape": [1, 5], "data": level}
    protocol = quantiles.post("/v2/models/forecast/infer", json={"inputs": [tensor]}).json()

    near([forecast.quantiles[str(each)][0] for each in QUANTILES], [low, median, high])
    assert low < median < high
    near(forecast.mean_forecast, [median])
    assert forecast.start_timestamp == "2026-02-05T00:00:00Z"
    assert protocol["parameters"]["quantiles"] == str(QUANTILES)


@pytest.mark.parametrize(
    ("options", "words"), [({"quantiles": [0.25]}, "it has 0.1, 0.5, 0.9"), ({"horizon": 2}, "forecasts 1 step")]
)
def test_what_the_quantile_model_does_not_have_is_refused(quantiles, options, words):
    """The sentence says what it has."""
    body = kserve_series.body(("mine", [1, 2, 3, 4, 5]), **options)
    body["inputs"][0]["start_timestamp"] = "2026-01-31"
    response = quantiles.post(PATH, json=body)

    assert response.status_code == 400
    assert words in response.json()["error"]
