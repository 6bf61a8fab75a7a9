"""Clients that others wrote, unmodified, against the whole graph as one model."""

import pytest
from protocol_clients import ask
from small_steps import PAIR, expected, stored

COLUMNS = [expected([1, 2, 3])]
ENTITIES = [expected(stored(3)[-3:]), expected(stored(1)[-3:])]


@pytest.mark.parametrize(
    ("client", "refusals"),
    [
        ("triton_http", ["404", "404", "400"]),
        ("triton_grpc", ["StatusCode.NOT_FOUND", "StatusCode.NOT_FOUND", "StatusCode.INVALID_ARGUMENT"]),
    ],
)
def test_tritonclient(server, client, refusals):
    """Binary tensors both ways, entities, outputs asked for, and what does not exist refused."""
    found = ask(client, server.port if client == "triton_http" else server.grpc_port)

    assert found["live"]
    assert (found["columns"], found["entities"], found["version"]) == (COLUMNS, ENTITIES, COLUMNS)
    assert found["refused"] == refusals
    if client == "triton_http":
        assert found["json"] == COLUMNS
        assert found["parameters"]["pair"] == PAIR
    else:
        assert found["inputs"] == ["temp", "wind", "location_id"]


@pytest.mark.parametrize("client", ["kserve_rest", "kserve_grpc"])
def test_kserves_own_clients(server, client):
    """As they would ask any model."""
    found = ask(client, server.port if client == "kserve_rest" else server.grpc_port)

    assert found["columns"] == COLUMNS
    assert found["ready"]
    assert found["version"] in {"12", None}  # KServe's REST client drops the version
