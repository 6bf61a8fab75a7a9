"""The plain REST endpoints: what goes in, what comes out, and how each mistake is answered."""

import json

import pytest
from metric_samples import growth
from small_steps import PAIR, expected, stored

PAIR_DOCUMENT = {"id": PAIR, "preprocessor_version": "7", "model_version": "12"}


async def test_one_row_gives_its_horizon(client):
    """A client with one row need not unpack a list of lists."""
    response = await client.post("/predict", json={"data": {"temp": [[1, 2, 3]], "wind": [0.5]}})

    assert response.status_code == 200
    assert response.json() == {"prediction": expected([1, 2, 3], 0.5), "pair": PAIR_DOCUMENT}
    assert response.headers["x-twinpin-pair"] == PAIR


async def test_several_rows_give_a_list_each(client):
    """Rows keep their order."""
    response = await client.post("/predict", json={"data": {"temp": [[1, 2, 3], [4, 5, 6]]}})

    assert response.json()["prediction"] == [expected([1, 2, 3]), expected([4, 5, 6])]


async def test_one_entity_gives_its_horizon_and_the_time_it_rests_on(client):
    """A scalar id and a list of one are the same request."""
    answers = [
        (await client.post("/predict/feast", json={"entities": each, "entity_key": "location_id"})).json()
        for each in (2, [2], [2.0], [2, 2])
    ]

    first = {"prediction": expected(stored(2)[-3:]), "as_of": "2026-01-31T12:00:00Z", "pair": PAIR_DOCUMENT}
    assert answers == [first] * 4


@pytest.mark.parametrize("body", [{"entities": None}, {}, {"time_point": None, "entity_key": None}])
async def test_null_means_the_default_entity(client, body):
    """A site with one location need not name it."""
    response = await client.post("/predict/feast", json=body)

    assert response.json()["prediction"] == expected(stored(1)[-3:])


async def test_several_entities_are_answered_by_id_once_each_in_order(graph, client):
    """Duplicates cost nothing, and all entities are read at once."""
    response = await client.post("/predict/feast", json={"entities": [3, 1, 3]})

    assert list(response.json()["predictions"].items()) == [
        ("3", expected(stored(3)[-3:])),
        ("1", expected(stored(1)[-3:])),
    ]
    assert response.json()["as_of"] == {"3": "2026-01-31T12:00:00Z", "1": "2026-01-31T12:00:00Z"}
    assert graph.features.asked == [[3, 1]]


async def test_a_batch_answers_by_id_even_for_one(client):
    """A loop over batches need not look at their size."""
    response = await client.post("/predict/feast/batch", json={"entities": [2]})

    assert response.json()["predictions"] == {"2": expected(stored(2)[-3:])}


async def test_a_time_inside_the_window_is_served_from_the_rows_up_to_it(client):
    """The answer says which row it rests on."""
    body = {"entities": 1, "time_point": "2026-01-31T11:00:00+01:00"}
    response = await client.post("/predict/feast", json=body)

    assert response.json()["prediction"] == expected(stored(1)[3:6])
    assert response.json()["as_of"] == "2026-01-31T10:00:00Z"


async def test_an_unknown_entity_is_named_with_its_status(client):
    """422: the request is fine, the store holds nothing for it."""
    response = await client.post("/predict/feast", json={"entities": [1, 99]})

    assert response.status_code == 422
    assert "99" in response.json()["error"]
    assert response.json()["missing"] == {"99": "unknown"}


async def test_partial_leaves_out_and_lists_what_is_missing(client):
    """The shape follows what was asked, not what was found."""
    response = await client.post("/predict/feast", json={"entities": [1, 99], "partial": True})

    assert response.status_code == 200
    assert list(response.json()["predictions"]) == ["1"]
    assert response.json()["missing"] == {"99": "unknown"}


async def test_partial_with_nothing_missing_says_so(client):
    """An empty object can be looped over."""
    response = await client.post("/predict/feast", json={"entities": 1, "partial": True})

    assert response.json()["missing"] == {}


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("/predict", b"{", "JSON"),
        ("/predict", b"[]", "object"),
        ("/predict", b"", "JSON"),
        ("/predict", b"\xff\xfe", "JSON"),
        ("/predict", b"{}", "data"),
        ("/predict", b'{"data": {}}', "data"),
        ("/predict", b'{"data": {"temp": 3}}', "temp"),
        ("/predict", b'{"data": {"temp": [[1,2,3],[1,2]]}}', "temp"),
        ("/predict", b'{"data": {"temp": [[1,2,3]], "wind": [1,2]}}', "wind"),
        ("/predict", b'{"data": {"temp": [[1,2,3]]}, "dta": {}}', "'dta'"),
        ("/predict", b'{"data": {"temp": [[1,2,3]]}, "id": 7}', "id"),
        ("/predict", b'{"data": {"temp": [[1,2,3]]}, "parameters": {"a": []}}', "parameters"),
        ("/predict/feast", b'{"entities": []}', "empty"),
        ("/predict/feast", b'{"entities": [true]}', "true"),
        ("/predict/feast", b'{"entities": [1.5]}', "1.5"),
        ("/predict/feast", b'{"entities": [null]}', "null"),
        ("/predict/feast", b'{"entities": {"a": 1}}', "whole number"),
        ("/predict/feast", b'{"entities": 18446744073709551615}', "64 bits"),
        ("/predict/feast", b'{"entities": 1, "partial": "yes"}', "partial"),
        ("/predict/feast", b'{"entities": 1, "entity_key": 5}', "entity_key"),
        ("/predict/feast", b'{"entities": 1, "time_point": "yesterday"}', "yesterday"),
        ("/predict/feast", b'{"entities": 1, "time_point": 5}', "time_point"),
        ("/predict/feast", b'{"entities": 1, "time_point": "0001-01-01T00:00:00+14:00"}', "time_point"),
        ("/predict/feast", b'{"entity": 1}', "'entity'"),
        ("/predict/feast", b'{"entities": 1, "parameters": {"time_point": "2026-01-31T10:00Z"}}', "time_point"),
        ("/predict/feast", b'{"entities": [1, 99], "parameters": {"partial": true}}', "partial"),
        ("/predict/feast/batch", b'{"entities": 1, "parameters": {"entity_key": "location_id"}}', "entity_key"),
        ("/predict/feast", b'{"entities": NaN}', "JSON"),
        ("/predict/feast/batch", b'{"entities": null}', "at least one"),
        ("/predict/feast/batch", b"{}", "at least one"),
    ],
)
async def test_a_malformed_body_is_refused_with_what_to_change(client, path, body, word):
    """400, one shape, and the mistake by name."""
    response = await client.post(path, content=body)

    assert response.status_code == 400, response.text
    assert word in response.json()["error"]
    assert list(response.json()) == ["error"]


@pytest.mark.parametrize("gap", [b"null", b"NaN"])
async def test_a_gap_is_a_missing_value_for_the_preprocessor_to_judge(client, gap):
    """NaN has no text in JSON, so null stands for it, though Python writes NaN; nobody imputes here, so 422."""
    response = await client.post("/predict", content=b'{"data": {"temp": [[1, ' + gap + b", 3]]}}")

    assert response.status_code == 422
    assert "impute" in response.json()["error"]


async def test_parameters_travel_through_the_graph(graph, client):
    """What a step knows nothing of it hands on."""
    await client.post("/predict", json={"data": {"temp": [[1, 2, 3]]}, "parameters": {"who": "me"}})
    await client.post("/predict/feast", json={"entities": 1, "parameters": {"who": "me"}})

    assert [parameters["who"] for parameters in graph.preprocess.parameters] == ["me", "me"]


async def test_a_defect_is_500_and_tells_nothing(client, caplog):
    """The cause is in the log; the client learns that it happened."""
    response = await client.post("/predict", json={"data": {"temp": [[1, 2, 3]]}, "parameters": {"bug": True}})

    assert response.status_code == 500
    assert "secret" not in response.text
    assert "ZeroDivisionError" in caplog.text


async def test_a_store_that_is_down_is_503_and_columns_go_on(graph, client):
    """Half of the product outlives its store."""
    graph.features.down = True
    feast = await client.post("/predict/feast", json={"entities": 1})
    columns = await client.post("/predict", json={"data": {"temp": [[1, 2, 3]]}})

    assert feast.status_code == 503
    assert feast.headers["retry-after"] == "2"
    assert columns.status_code == 200


async def test_every_answer_has_a_request_id(client):
    """The client's own where it fits, else one made here, on errors too."""
    own = await client.post("/predict", content=b"{", headers={"x-request-id": "mine-1"})
    made = await client.get("/v2/health/live")
    strange = await client.get("/nothing", headers={"x-request-id": "x" * 500})

    assert own.headers["x-request-id"] == "mine-1"
    assert len(made.headers["x-request-id"]) == 16
    assert len(strange.headers["x-request-id"]) == 16


async def test_an_unknown_path_and_a_wrong_method_have_the_one_shape(client):
    """404 and 405 are JSON too."""
    missing = await client.get("/predictions")
    wrong = await client.get("/predict")

    assert (missing.status_code, wrong.status_code) == (404, 405)
    assert "error" in missing.json()
    assert "error" in wrong.json()
    assert wrong.headers["allow"] == "POST"


async def test_numbers_come_back_as_the_model_made_them(client):
    """Floats are written as the shortest text of their 32 bits."""
    response = await client.post("/predict", json={"data": {"temp": [[0.1, 0.2, 0.4]]}})

    assert response.text.startswith('{"prediction":[1.7,2.7,3.7,4.7]')
    assert json.loads(response.text)["prediction"][0] == 1.7


@pytest.mark.parametrize(
    ("path", "body", "entities"),
    [
        ("/predict", {"data": {"temp": [[1, 2, 3], [4, 5, 6]]}}, 2),
        ("/predict/feast", {"entities": None}, 1),
        ("/predict/feast", {"entities": [3, 1, 3]}, 2),
        ("/predict/feast/batch", {"entities": [1, 2, 3]}, 3),
    ],
)
async def test_the_entities_of_a_request_are_counted_by_endpoint(client, path, body, entities):
    """Each once; the default one counts too."""
    with growth("twinpin_request_entities_sum", endpoint=path) as grown:
        await client.post(path, json=body)

    assert grown == [entities]
