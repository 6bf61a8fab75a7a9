"""KServe's time-series API at the gateway: where a series goes, what comes back, and how each mistake is answered."""

import copy
import json

import pytest
from kserve_series import body, read
from small_steps import PAIR, SmallGraph, client_of, expected, stored

PATH = "/v1/timeseries/forecast"
START = "2026-01-31T10:00:00Z"


async def ask(client, *series, **more):
    """Ask by KServe's types."""
    return await client.post(PATH, json=body(*series, **more))


async def test_a_series_is_forecast_from_its_newest_values(client):
    """The horizon begins one step after the newest value."""
    series = {"name": "mine", "series": [9, 9, 1, 2, 3.5], "start_timestamp": START, "covariates": {}}
    answer, (forecast,) = read(response := await ask(client, series, horizon=4))

    assert forecast.mean_forecast == expected([1, 2, 3.5])
    assert (forecast.name, forecast.type.value, forecast.frequency.value) == ("mine", "univariate_time_series", "hour")
    assert forecast.start_timestamp == "2026-01-31T15:00:00Z"
    assert (answer.model, answer.status.value, answer.outputs[0].type) == (
        "forecast",
        "completed",
        "time_series_forecast",
    )
    assert answer.usage.model_dump() == {"prompt_tokens": 5, "completion_tokens": 4, "total_tokens": 9}
    assert response.headers["x-twinpin-pair"] == PAIR == response.json()["pair"]["id"]


async def test_a_shorter_horizon_is_the_beginning_of_the_models(client):
    """Whoever needs two hours is sent two."""
    series = {"name": "mine", "series": [1, 2, 3], "start_timestamp": START, "covariates": {}}
    _, (forecast,) = read(await ask(client, series, horizon=2))

    assert forecast.mean_forecast == expected([1, 2, 3])[:2]


async def test_several_series_keep_their_order_and_dates(client):
    """One request of the graph answers all of them."""
    series = [
        {"name": "a", "series": [1, 2, 3], "start_timestamp": START, "frequency": "M", "covariates": {"wind": 0.5}},
        {
            "name": "b",
            "series": [0, 4, 5, 6],
            "start_timestamp": "2025-12-31T23:00:00+02:00",
            "frequency": "D",
            "covariates": {"wind": 2},
        },
    ]
    answer, forecasts = read(await ask(client, *series, horizon=4))

    assert [each.mean_forecast for each in forecasts] == [expected([1, 2, 3], 0.5), expected([4, 5, 6], 2)]
    assert [each.start_timestamp for each in forecasts] == ["2026-04-30T10:00:00Z", "2026-01-04T23:00:00+02:00"]
    assert len({answer.id, *(each.id for each in answer.outputs)}) == 3


async def test_other_columns_come_from_the_store_up_to_the_series_end(graph, client):
    """The name is the entity, and no row after the newest value is used."""
    graph.preprocess.parameters.clear()
    series = {"name": "2", "series": [1, 2, 3], "start_timestamp": "2026-01-31T08:00:00Z"}
    _, (forecast,) = read(await ask(client, series, horizon=4))

    assert forecast.mean_forecast == expected([1, 2, 3])
    assert graph.features.asked == [["2"]]
    assert graph.features.points == ["2026-01-31T10:00:00Z"]


async def test_an_empty_series_is_the_stores(client):
    """What the store holds can be asked for in KServe's words too."""
    now = {"name": "2", "series": []}
    then = {"name": "1", "series": [], "start_timestamp": "2026-01-31T11:00:00Z"}
    _, forecasts = read(await ask(client, now, then, {"name": "3", "series": []}, horizon=4))

    assert [each.mean_forecast for each in forecasts] == [
        expected(stored(2)[-3:]),
        expected(stored(1)[3:6]),
        expected(stored(3)[-3:]),
    ]
    assert [each.start_timestamp for each in forecasts] == [
        "2026-01-31T13:00:00Z",
        "2026-01-31T11:00:00Z",
        "2026-01-31T13:00:00Z",
    ]


async def test_series_without_a_date_begin_after_the_stores_newest_row(client):
    """The store tells the time."""
    _, (forecast,) = read(await ask(client, ("1", [1, 2, 3]), horizon=1))

    assert forecast.start_timestamp == "2026-01-31T13:00:00Z"


async def test_without_a_store_the_series_is_all_there_is():
    """Columns that the preprocessor can do without may be left out."""
    graph = SmallGraph(store=False)
    async with client_of(graph) as client:
        series = {"name": "2", "series": [1, 2, 3], "start_timestamp": START}
        _, (forecast,) = read(await ask(client, series, horizon=4))
        undated = await ask(client, ("2", [1, 2, 3]))
    await graph.gateway.aclose()

    assert forecast.mean_forecast == expected([1, 2, 3])
    assert undated.status_code == 400
    assert "inputs[0].start_timestamp is missing" in undated.json()["error"]


async def test_an_entity_without_features_is_named(client):
    """The store's words reach the client."""
    response = await ask(client, ("1", [1, 2, 3]), ("99", [1, 2, 3]))

    assert response.status_code == 422
    assert response.json()["missing"] == {"99": "unknown"}


async def test_a_series_that_ends_after_the_stores_newest_row_is_refused(client):
    """Old columns beside new values would make a forecast of no time."""
    series = {"name": "1", "series": [1, 2, 3], "start_timestamp": "2026-01-31T11:00:00Z"}
    response = await ask(client, series)

    assert response.status_code == 422
    assert response.json()["missing"] == {"1": "after_newest"}


async def test_quantiles_are_the_models(graph, client):
    """The point forecast is the median, and each quantile has the name that the client gave it."""
    graph.predict.quantiles = [0.1, 0.5, 0.75, 0.9]
    series = {"name": "a", "series": [1, 2, 3], "start_timestamp": START, "covariates": {}}
    _, (forecast,) = read(await ask(client, series, horizon=1, quantiles=[0.9, 0.1]))
    _, (point,) = read(await ask(client, series, horizon=1))
    low, median, _, high = expected([1, 2, 3])

    assert (forecast.mean_forecast, forecast.quantiles) == ([median], {"0.9": [high], "0.1": [low]})
    assert (point.mean_forecast, point.quantiles) == ([median], None)


async def test_plain_answers_name_the_quantiles_too(graph, client):
    """Otherwise nobody could tell them from a horizon."""
    graph.predict.quantiles = [0.1, 0.5, 0.75, 0.9]
    columns = await client.post("/predict", json={"data": {"temp": [[1, 2, 3]]}})
    entity = await client.post("/predict/feast", json={"entities": 1})

    assert columns.json()["quantiles"] == entity.json()["quantiles"] == [0.1, 0.5, 0.75, 0.9]


@pytest.mark.parametrize(
    ("known", "asked", "refusal"),
    [
        (None, {"horizon": 5}, (400, "options.horizon is 5 and the model forecasts 4 steps")),
        (None, {"quantiles": [0.5]}, (400, "forecasts no quantiles")),
        ([0.1, 0.5, 0.75, 0.9], {"quantiles": [0.1, 0.2]}, (400, "no quantile 0.2; it has 0.1, 0.5, 0.75, 0.9")),
        ([0.1, 0.5, 0.75, 0.9], {"horizon": 2}, (400, "options.horizon is 2 and the model forecasts 1 step")),
        ([0.1, 0.2, 0.8, 0.9], {}, (422, "train it with 0.5 too")),
    ],
)
async def test_what_the_model_does_not_forecast_is_refused(graph, client, known, asked, refusal):
    """The sentence says what it does."""
    graph.predict.quantiles = known
    series = {"name": "a", "series": [1, 2, 3], "start_timestamp": START, "covariates": {}}
    response = await ask(client, series, **asked)

    assert response.status_code == refusal[0]
    assert refusal[1] in response.json()["error"]


WHOLE = body({"name": "a", "series": [1, 2, 3], "start_timestamp": START, "covariates": {"wind": 1}})


def changed(path, value):
    """The request with one value changed; ... removes it."""
    request = copy.deepcopy(WHOLE)
    place = request
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return request


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (["model"], ..., "model is missing"),
        (["model"], 5, "model must be text"),
        (["inputs"], ..., "inputs is missing"),
        (["inputs"], [], "at least one series"),
        (["inputs"], {}, "at least one series"),
        (["inputs", 0], 5, "inputs[0] must be a JSON object"),
        (["options"], ..., "options is missing"),
        (["options"], [], "options must be a JSON object"),
        (["options", "horizon"], ..., "options.horizon is missing"),
        (["options", "horizon"], 0, "options.horizon"),
        (["options", "horizon"], True, "options.horizon"),
        (["options", "horizon"], 1.5, "options.horizon"),
        (["options", "horizon"], "4", "options.horizon"),
        (["options", "quantiles"], 0.5, "options.quantiles"),
        (["options", "quantiles"], [0], "between 0 and 1"),
        (["options", "quantiles"], [1.0], "between 0 and 1"),
        (["options", "quantiles"], ["0.5"], "options.quantiles"),
        (["options", "quantiles"], [True], "options.quantiles"),
        (["metadata"], "me", "metadata must be a JSON object"),
        (["inputs", 0, "type"], ..., "inputs[0].type is missing"),
        (["inputs", 0, "type"], "univariate", "inputs[0].type must be"),
        (["inputs", 0, "type"], "multivariate_time_series", "covariates"),
        (["inputs", 0, "name"], ..., "inputs[0].name is missing"),
        (["inputs", 0, "name"], 1, "inputs[0].name must be text"),
        (["inputs", 0, "series"], ..., "inputs[0].series is missing"),
        (["inputs", 0, "series"], 1, "inputs[0].series must be a list of numbers"),
        (["inputs", 0, "series"], ["a"], "inputs[0].series must be a list of numbers"),
        (["inputs", 0, "series"], [True, 1, 2], "inputs[0].series must be a list of numbers"),
        (["inputs", 0, "series"], [[1], [2], [3]], "covariates"),
        (["inputs", 0, "frequency"], ..., "inputs[0].frequency is missing"),
        (["inputs", 0, "frequency"], "fortnight", "quarter"),
        (["inputs", 0, "start_timestamp"], 5, "inputs[0].start_timestamp"),
        (["inputs", 0, "start_timestamp"], "now", "inputs[0].start_timestamp"),
        (["inputs", 0, "start_timestamp"], "9999-12-31T23:00Z", "beyond the years"),
        (["inputs", 0, "start_timestamp"], "0001-01-01T00:00+14:00", "beyond the years"),
        (["inputs", 0, "covariates"], [], "inputs[0].covariates"),
        (["inputs", 0, "covariates", "wind"], {}, "wind"),
        (["inputs", 0, "covariates", "temp"], [1, 2, 3], "leave it out"),
        (["inputs", 0, "covariates", "temp_lag_0"], 5, "leave it out"),
    ],
)
async def test_a_mistake_is_400_and_named_by_its_place(client, path, value, words):
    """One shape, as everywhere."""
    response = await client.post(PATH, json=changed(path, value))

    assert response.status_code == 400, response.text
    assert words in response.json()["error"]
    assert list(response.json()) == ["error"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"a"', b"\xff"])
async def test_a_body_that_is_no_object_is_refused(client, content):
    """400, as on every path."""
    response = await client.post(PATH, content=content)

    assert response.status_code == 400
    assert list(response.json()) == ["error"]


async def test_series_that_cannot_be_rows_of_one_request_are_refused(client):
    """Both are named."""
    one = {"name": "a", "series": [1, 2, 3], "start_timestamp": START, "covariates": {"wind": 1}}
    for other, words in (
        (one | {"covariates": {}}, "inputs[1].covariates"),
        (one | {"covariates": None}, "inputs[1].covariates"),
        (one | {"covariates": {"wind": [1, 2]}}, "wind"),
        (one | {"covariates": {"wind": "strong"}}, "wind"),
    ):
        response = await ask(client, one, other)

        assert (response.status_code, words in response.json()["error"]) == (400, True), response.text


async def test_a_series_with_a_gap_is_the_preprocessors_to_judge(client):
    """As with columns: nobody imputes here."""
    series = {"name": "a", "series": [1, None, 3], "start_timestamp": START, "covariates": {}}
    response = await client.post(PATH, json=changed(["inputs", 0], WHOLE["inputs"][0] | series))
    bare = await client.post(PATH, content=json.dumps(WHOLE).replace("[1.0, 2.0", "[NaN, 2.0"))

    assert [response.status_code, bare.status_code] == [422, 422]
    assert "impute" in response.json()["error"]


@pytest.mark.parametrize("values", [[], [1, 2]])
async def test_a_series_that_is_too_short_is_refused(client, values):
    """The sentence says how far the model looks back."""
    response = await client.post(PATH, json=changed(["inputs", 0, "series"], values))

    assert response.status_code == 422
    assert f"holds {len(values)} values and the model looks back on 3" in response.json()["error"]


async def test_an_unknown_model_is_404(client):
    """The sentence names the one that is there."""
    response = await ask(client, ("1", [1, 2, 3]), model="timesfm")

    assert response.status_code == 404
    assert "'forecast'" in response.json()["error"]


async def test_the_models_are_listed(client):
    """As KServe lists them."""
    assert (await client.get("/v1/timeseries/models")).json() == ["forecast"]


async def test_too_many_series_are_413():
    """The limit is that of rows."""
    graph = SmallGraph(max_rows=2)
    async with client_of(graph) as client:
        response = await ask(client, *[(str(name), [1, 2, 3]) for name in range(3)])
    await graph.gateway.aclose()

    assert response.status_code == 413


async def test_keys_of_others_are_left_alone(client):
    """KServe's objects are open."""
    request = changed(["metadata"], {"request_id": "mine"}) | {"other": 1}
    request["inputs"][0]["unit"] = "K"
    request["options"]["temperature"] = 0.5

    assert (await client.post(PATH, json=request)).status_code == 200


async def test_the_time_allowed_goes_along(client):
    """As on the other paths."""
    late = await client.post(PATH, json=WHOLE, headers={"x-request-timeout": "0.000001"})

    assert late.status_code == 504


async def test_its_requests_are_logged(client, caplog):
    """As on the other paths: a failed one leaves a line, and how many series it had."""
    await client.post(PATH, json=WHOLE, headers={"x-request-timeout": "0.000001"})

    (line,) = [record for record in caplog.records if record.name == "twinpin.requests"]
    assert (line.status, line.endpoint, line.rows) == (504, PATH, 1)
