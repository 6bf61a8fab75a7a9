"""Every kind of request, through the gateway and through the graph itself: the forecasts are those made offline."""

from datetime import timedelta

import pandas as pd
import pytest

pytestmark = pytest.mark.cluster

GATEWAY = (
    "plain_columns",
    "plain_rows",
    "one_entity",
    "default_entity",
    "several_entities",
    "batch",
    "protocol_json",
    "protocol_entities",
    "protocol_binary",
    "grpc_columns",
    "grpc_entities",
)


@pytest.fixture(scope="module")
def gateway(release):
    """The gateway, in mode graph."""
    with release.gateway() as address:
        yield address


@pytest.fixture(scope="module")
def graph(release):
    """KServe's router."""
    with release.graph() as address:
        yield address


@pytest.fixture
def pair(release):
    """What the shared release serves."""
    return release.pair


@pytest.mark.parametrize("kind", GATEWAY)
def test_the_gateway_forecasts_what_the_pair_does(questions, gateway, pair, kind):
    """REST, the protocol in JSON and binary, and gRPC."""
    getattr(questions, kind)(gateway, pair)


def test_the_list_above_is_every_kind(questions):
    """A kind that is added to the questions is asked here too."""
    assert set(GATEWAY) == {each.__name__ for each in questions.GATEWAY}


def test_the_graph_forecasts_from_columns(questions, graph, pair):
    """The root Switch sends them to preprocess."""
    questions.through_graph(graph, {"data": questions.columns(3)}, questions.row(3), pair)


def test_the_graph_forecasts_for_entities(questions, graph, pair):
    """One, several, and one at a time that is past."""
    past = (questions.this_hour() - timedelta(hours=2)).isoformat()

    questions.through_graph(graph, {"entities": [1]}, questions.row(1), pair)
    questions.through_graph(
        graph, {"entities": [3, 2], "entity_key": "location_id"}, pd.concat([questions.row(3), questions.row(2)]), pair
    )
    questions.through_graph(graph, {"entities": 1, "time_point": past}, questions.row(1, 2), pair)


def test_the_graph_forecasts_from_tensors(questions, graph, pair):
    """The protocol's own body, as KServe's clients send it to a graph."""
    questions.through_graph(graph, {"inputs": questions.tensors(questions.windows_of(2))}, questions.row(2), pair)


def test_the_graph_refuses_a_body_that_it_knows_nothing_in(questions, graph):
    """400 from the catch-all, with what may be sent."""
    status, told, _ = questions.refusal(graph, "/", {"nothing": 1})

    assert status == 400
    assert "data" in told


def test_the_graph_names_an_entity_that_nobody_knows(questions, graph):
    """422 from features passes the router unchanged."""
    status, told, document = questions.refusal(graph, "/", {"entities": [1, 99]})

    assert (status, document["missing"]) == (422, {"99": "unknown"})
    assert "99" in told


def test_the_graph_refuses_columns_that_are_not_all_there(questions, graph):
    """422 from preprocess, with the name of the one that is lacking."""
    status, told, _ = questions.refusal(graph, "/", {"data": {"level": [[1, 2, 3, 4, 5]]}})

    assert status == 422
    assert "swell" in told


def test_what_is_not_json_is_the_routers_own_404(questions, graph):
    """KServe finds no branch for it; the gateway says 400."""
    assert questions.client.send(graph, "POST", "/", b"{not json").status == 404


def test_the_gateway_refuses_in_its_own_words(questions, gateway):
    """400, 404 and 422 with one sentence each, and no address of the cluster in it."""
    asked = {
        400: ("/predict/feast", {"entites": [1]}, "entites"),
        404: ("/v2/models/nothing/infer", {"inputs": []}, ""),
        422: ("/predict/feast", {"entities": [1, 99]}, "99"),
    }
    for status, (path, body, word) in asked.items():
        found, told, _ = questions.refusal(gateway, path, body)
        assert found == status
        assert word in told
        assert ".svc" not in told
    assert questions.refusal(gateway, "/predict", b"{not json")[0] == 400


def test_health_names_the_pair(questions, gateway, pair):
    """All parts are there."""
    health = questions.client.send(gateway, "GET", "/health")

    assert (health.status, health.json()["status"], health.json()["feast_available"]) == (200, "ok", True)
    assert health.json()["pair"]["id"].startswith(pair.label)
