"""What is asked of a release, each with the forecast that the pair computes outside the cluster."""

import json

import numpy as np
import pandas as pd
from cluster_load import Question
from feature_repos import KEY, this_hour  # noqa: F401 -- tests name past hours
from served_world import COLUMNS, HORIZON, row, windows

from demo_forecast import client
from twinpin.step.protocol import request_proto
from twinpin.step.step import Message

NEAR = 1e-5
GRPC_PORT = 8081


def columns(location, behind=0):
    """One row as a client sends it that has no feature store: NaN is null."""
    return columns_of(row(location, behind))


def columns_of(rows):
    """The same of any rows."""
    frame = rows.astype(object)
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
    ask = Asking(release, (release.pair, *others))
    asked = [ask.plain("/predict", {"data": columns(1)}, row(1))]
    if _knows_entities(release):
        asked.append(ask.plain("/predict/feast", {"entities": 3}, row(3)))
    if "graph" in release.parts:
        asked.append(ask.graph({"data": columns(2)}, row(2)))
    return asked


def mixed(release, *others):
    """Every kind of request: REST, the protocol in JSON and binary and over gRPC, with columns and with entities."""
    ask = Asking(release, (release.pair, *others))
    both = {name: columns(3)[name] + columns(2, 4)[name] for name in COLUMNS}
    asked = [
        ask.plain("/predict", {"data": columns(1)}, row(1)),
        ask.plain("/predict", {"data": both}, pd.concat([row(3), row(2, 4)])),
        ask.protocol(windows_of(2), row(2)),
        ask.binary(windows_of(2), row(2)),
        ask.grpc(windows_of(1), row(1)),
    ]
    if _knows_entities(release):
        three = pd.concat([row(1), row(2), row(3)])
        asked += [
            ask.plain("/predict/feast", {"entities": 2}, row(2)),
            ask.plain("/predict/feast", {"entities": [1, 2, 3]}, three),
            ask.plain("/predict/feast/batch", {"entities": [1, 2, 3]}, three),
            ask.protocol({KEY: np.array([1, 2])}, pd.concat([row(1), row(2)])),
            ask.grpc({KEY: np.array([2, 1])}, pd.concat([row(2), row(1)]), time_point="now"),
        ]
    if "graph" in release.parts:
        asked.append(ask.graph({"data": columns(2)}, row(2)))
        if _knows_entities(release):
            asked.append(ask.graph({"entities": [1, 2]}, pd.concat([row(1), row(2)])))
    return asked


def _knows_entities(release):
    """Whether it has a feature store."""
    return "features" in release.parts or release.parts == ("serve",)


class Asking:
    """Questions to one release that some pairs may answer."""

    def __init__(self, release, pairs):
        self._release, self._pairs = release, pairs
        self._model = f"{release.gateway_url}/v2/models/forecast/infer"

    def plain(self, path, body, rows):
        """REST of the gateway."""
        return self._question(path, f"{self._release.gateway_url}{path}", body, rows)

    def graph(self, body, rows):
        """KServe's router by itself, which answers as the protocol does.

        Over a connection of its own: the router closes those that are idle when it stops, and a request that is on its
        way at that moment is lost. The gateway sends such a one again; docs/kubernetes.md tells other clients to.
        """
        headers = {"Content-Type": "application/json", "Connection": "close"}
        return self._question("graph", self._release.graph_url, body, rows, form="protocol", headers=headers)

    def protocol(self, arrays, rows):
        """V2 in JSON."""
        return self._question("v2", self._model, {"inputs": tensors(arrays)}, rows, form="protocol")

    def binary(self, arrays, rows):
        """V2 with raw tensors both ways."""
        body, headers = client.binary(arrays)
        return self._question("v2 binary", self._model, body, rows, form="binary", headers=headers)

    def grpc(self, arrays, rows, **parameters):
        """V2 over gRPC."""
        body = request_proto(Message(arrays, parameters), "forecast").SerializeToString()
        address = f"{self._release.gateway_url.removeprefix('http://')}:{GRPC_PORT}"
        return self._question("grpc", address, body, rows, form="grpc")

    def _question(self, name, url, body, rows, **form):
        """Put the forecast of each pair to it."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        asked = f"{name}, {len(rows)} rows"
        wanted = {pair.label: pair.forecast(rows).ravel().tolist() for pair in self._pairs}
        return Question(asked, url, content, wanted, **form)
