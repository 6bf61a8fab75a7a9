"""What is asked of a release, each with the forecast that the pair computes outside the cluster."""

import json

import numpy as np
from cluster_load import question
from feature_repos import KEY, this_hour  # noqa: F401 -- tests name past hours
from served_world import COLUMNS, HORIZON, row, windows

from demo_forecast import client

NEAR = 1e-5


def columns(location, behind=0):
    """One row as a client sends it that has no feature store: NaN is null."""
    frame = row(location, behind).astype(object)
    return {name: frame[name].where(frame[name].notna(), None).tolist() for name in COLUMNS}


def post(address, path, body):
    """Ask for a forecast that must come; returns the document."""
    answer = client.send(address, "POST", path, json.dumps(body).encode())
    assert answer.status == 200, f"{path} {answer.status}: {answer.body[:500]}"
    return answer.json()


def forecast_of(document):
    """Read the forecast, be it plain or the protocol's: rows of hours."""
    found = document["outputs"][0]["data"] if "outputs" in document else document["prediction"]
    return np.array(found, dtype=float).reshape(-1, HORIZON)


def pair_of(document):
    """Read the stamp, be it plain or the protocol's."""
    return document["parameters"]["pair"] if "outputs" in document else document["pair"]["id"]


def assert_near(found, wanted):
    """Compare forecasts."""
    np.testing.assert_allclose(np.asarray(found, dtype=float).reshape(-1, HORIZON), wanted, atol=NEAR)


def tensors(arrays):
    """Write arrays as the protocol's JSON."""
    kinds = {"i": "INT64", "f": "FP64"}
    return [
        {"name": name, "datatype": kinds[each.dtype.kind], "shape": list(each.shape), "data": each.ravel().tolist()}
        for name, each in arrays.items()
    ]


def windows_of(location):
    """Both series of one location as tensors of one row."""
    return {name: values.reshape(1, -1) for name, values in windows(location).items()}


def plain_columns(address, pair):
    """POST /predict with columns."""
    document = post(address, "/predict", {"data": columns(1)})
    assert document["pair"]["id"].startswith(pair.label)
    assert_near(forecast_of(document), pair.forecast(row(1)))


def plain_rows(address, pair):
    """POST /predict with several rows, one of them with a gap."""
    both = {name: columns(3)[name] + columns(2, 4)[name] for name in COLUMNS}
    found = forecast_of(post(address, "/predict", {"data": both}))
    assert_near(found, np.concatenate([pair.forecast(row(3)), pair.forecast(row(2, 4))]))


def one_entity(address, pair):
    """POST /predict/feast for one."""
    document = post(address, "/predict/feast", {"entities": [3], "entity_key": KEY, "time_point": "now"})
    assert_near(forecast_of(document), pair.forecast(row(3)))


def default_entity(address, pair):
    """POST /predict/feast for nobody in particular: the default is a value of the chart."""
    assert_near(forecast_of(post(address, "/predict/feast", {})), pair.forecast(row(2)))


def several_entities(address, pair):
    """POST /predict/feast for two."""
    document = post(address, "/predict/feast", {"entities": [3, 1]})
    for name, forecast in document["predictions"].items():
        assert_near(forecast, pair.forecast(row(int(name))))
    assert list(document["predictions"]) == ["3", "1"]


def batch(address, pair):
    """POST /predict/feast/batch for all."""
    document = post(address, "/predict/feast/batch", {"entities": [1, 2, 3]})
    for name, forecast in document["predictions"].items():
        assert_near(forecast, pair.forecast(row(int(name))))
    assert list(document["predictions"]) == ["1", "2", "3"]


def protocol_json(address, pair):
    """V2 in JSON with columns; the stamp is in the parameters."""
    document = post(address, "/v2/models/forecast/infer", {"inputs": tensors(windows_of(2))})
    assert document["model_version"] == pair.versions[1]
    assert pair_of(document).startswith(pair.label)
    assert_near(forecast_of(document), pair.forecast(row(2)))


def protocol_entities(address, pair):
    """V2 in JSON with entities."""
    document = post(address, "/v2/models/forecast/infer", {"inputs": tensors({KEY: np.array([1, 3])})})
    assert_near(forecast_of(document), np.concatenate([pair.forecast(row(1)), pair.forecast(row(3))]))


def protocol_binary(address, pair):
    """V2 with raw tensors both ways."""
    body, headers = client.binary(windows_of(2))
    answer = client.send(address, "POST", "/v2/models/forecast/infer", body, **headers)
    assert answer.status == 200, answer.body[:500]
    assert_near(client.binary_forecast(answer), pair.forecast(row(2)))


def grpc_columns(address, pair):
    """V2 over gRPC with columns, by KServe's own client."""
    forecast, version = client.grpc_forecast(address, windows_of(2))
    assert version == pair.versions[1]
    assert_near(forecast, pair.forecast(row(2)))


def grpc_entities(address, pair):
    """V2 over gRPC with entities."""
    forecast, _ = client.grpc_forecast(address, {KEY: np.array([3, 1])}, time_point="now")
    assert_near(forecast, np.concatenate([pair.forecast(row(3)), pair.forecast(row(1))]))


#: Kinds of request that need no feature store.
BY_COLUMNS = (plain_columns, plain_rows, protocol_json, protocol_binary, grpc_columns)
BY_ENTITY = (one_entity, default_entity, several_entities, batch, protocol_entities, grpc_entities)
#: Every kind of request that the gateway takes.
GATEWAY = BY_COLUMNS + BY_ENTITY


def through_graph(address, body, rows, pair):
    """POST a body to the graph itself, which answers as the protocol says."""
    document = post(address, "/", body)
    assert pair_of(document).startswith(pair.label)
    assert_near(forecast_of(document), pair.forecast(rows))


def refusal(address, path, body):
    """Send what must be refused; returns the status, the sentence and the document."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.send(address, "POST", path, content)
    document = answer.json()
    return answer.status, document["error"], document


def of_release(release, *others):
    """What a load asks of a release's gateway, and of its graph by itself; *others* are pairs that may answer too."""
    pairs = (release.pair, *others)

    def wanted(location):
        """The forecast of each pair."""
        return {pair.label: pair.forecast(row(location))[0] for pair in pairs}

    asked = [question(f"{release.gateway_url}/predict", {"data": columns(1)}, wanted(1))]
    if "features" in release.parts or release.parts == ("serve",):
        asked.append(question(f"{release.gateway_url}/predict/feast", {"entities": 3}, wanted(3)))
    if "graph" in release.parts:
        asked.append(question(release.graph_url, {"data": columns(2)}, wanted(2)))
    return asked
