"""The whole graph as one model of the protocol."""

import numpy as np
import pytest
from small_steps import PAIR, SmallGraph, client_of, expected, stored

INFER = "/v2/models/forecast/infer"


def tensor(name, data, datatype="FP64"):
    """One input in JSON."""
    shape = list(np.shape(data))
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


async def test_metadata_names_columns_and_the_tensor_of_entities(client):
    """A client learns from it what to send."""
    found = (await client.get("/v2/models/forecast")).json()

    assert found["versions"] == ["12", PAIR]
    assert [each["name"] for each in found["inputs"]] == ["temp", "wind", "location_id"]
    assert found["outputs"] == [{"name": "forecast", "datatype": "FP32", "shape": [-1, 4]}]


async def test_columns_are_a_payload(client):
    """The answer carries the pair and both versions."""
    request = {"id": "a-1", "inputs": [tensor("temp", [[1, 2, 3]]), tensor("wind", [0.5])]}
    answer = (await client.post(INFER, json=request)).json()

    assert answer["outputs"][0]["data"] == expected([1, 2, 3], 0.5)
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("a-1", "forecast", "12")
    assert answer["parameters"]["pair"] == PAIR
    assert answer["parameters"]["preprocessor_version"] == "7"


@pytest.mark.parametrize("name", ["location_id", "entities"])
async def test_one_tensor_of_entities_goes_by_the_store(client, name):
    """The parameters say which rows the forecast rests on."""
    answer = (await client.post(INFER, json={"inputs": [tensor(name, [3, 1], "INT64")]})).json()

    assert answer["outputs"][0]["data"] == expected(stored(3)[-3:]) + expected(stored(1)[-3:])
    assert answer["parameters"]["entities"] == "[3, 1]"
    assert "2026-01-31T12:00:00Z" in answer["parameters"]["as_of"]


async def test_a_tensor_of_entities_has_a_row_for_each_of_its_rows(client):
    """An entity that comes twice is answered twice, so that row k of the answer belongs to row k of the request."""
    answer = (await client.post(INFER, json={"inputs": [tensor("location_id", [3, 3, 1], "INT64")]})).json()

    assert answer["outputs"][0]["shape"] == [3, 4]
    assert answer["outputs"][0]["data"] == 2 * expected(stored(3)[-3:]) + expected(stored(1)[-3:])
    assert answer["parameters"]["entities"] == "[3, 3, 1]"


async def test_time_and_partial_come_as_parameters(client):
    """As the plain endpoints have them as keys."""
    parameters = {"time_point": "2026-01-31T10:00:00Z", "partial": True, "who": "me"}
    request = {"inputs": [tensor("location_id", [1, 99], "INT64")], "parameters": parameters}
    answer = (await client.post(INFER, json=request)).json()

    assert answer["outputs"][0]["data"] == expected(stored(1)[3:6])
    assert answer["parameters"]["missing"] == '{"99": "unknown"}'
    assert answer["parameters"]["who"] == "me"


async def test_the_output_asked_for_is_that_of_the_last_step(client):
    """No step between is troubled with it."""
    inputs = [tensor("temp", [[1, 2, 3]])]
    right = await client.post(INFER, json={"inputs": inputs, "outputs": [{"name": "forecast"}]})
    wrong = await client.post(INFER, json={"inputs": inputs, "outputs": [{"name": "matrix"}]})

    assert right.status_code == 200
    assert wrong.status_code == 400


@pytest.mark.parametrize("version", ["12", PAIR])
async def test_the_models_version_and_the_pairs_id_both_name_it(client, version):
    """A client may insist on a pair."""
    request = {"inputs": [tensor("temp", [[1, 2, 3]])]}
    right = await client.post(f"/v2/models/forecast/versions/{version}/infer", json=request)
    wrong = await client.post("/v2/models/forecast/versions/13/infer", json=request)

    assert right.status_code == 200
    assert wrong.status_code == 404


@pytest.mark.parametrize("shape", [[1, 2], [], [2, 1, 1]])
async def test_entities_of_another_shape_are_refused(client, shape):
    """One entity per row."""
    entities = np.ones(shape, dtype=int).ravel().tolist()
    column = tensor("location_id", entities, "INT64") | {"shape": shape}
    response = await client.post(INFER, json={"inputs": [column]})

    assert response.status_code == 400
    assert "[n]" in response.json()["error"]


async def test_entities_without_a_store_are_404():
    """The sentence says how to get one."""
    graph = SmallGraph(store=False)
    async with client_of(graph) as client:
        response = await client.post(INFER, json={"inputs": [tensor("entities", [1], "INT64")]})
    await graph.gateway.aclose()

    assert response.status_code == 404
    assert "--feature-repo" in response.json()["error"]
