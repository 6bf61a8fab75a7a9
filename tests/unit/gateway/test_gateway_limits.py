"""Limits: bytes, rows, entities, requests in flight, and time."""

import asyncio

import pytest
from small_steps import SmallGraph, client_of

ROW = {"data": {"temp": [[1, 2, 3]]}}
WAITING = ROW | {"parameters": {"wait": True}}


@pytest.fixture
async def limited():
    """Make gateways with limits of a test's own, each with its client."""
    made = []

    async def make(**limits):
        """Make one."""
        graph = SmallGraph(**limits)
        client = client_of(graph)
        made.append((graph, client))
        return graph, client

    yield make
    for graph, client in made:
        graph.predict.gate.set()
        await client.aclose()
        await graph.gateway.aclose()


@pytest.mark.parametrize("path", ["/predict", "/predict/feast", "/predict/feast/batch", "/v2/models/forecast/infer"])
async def test_a_body_over_the_limit_is_413_whether_it_says_its_length_or_not(limited, path):
    """A client cannot fill the memory."""
    _, client = await limited(max_body_bytes=100)

    async def trickle():
        """Send a little at a time."""
        for _ in range(50):
            yield b" " * 10

    declared = await client.post(path, content=b" " * 101)
    streamed = await client.post(path, content=trickle())

    assert (declared.status_code, streamed.status_code) == (413, 413)
    assert "100" in declared.json()["error"]


async def test_rows_and_entities_over_the_limit_are_413(limited):
    """Each row and each entity is a forecast, so one limit holds both."""
    _, client = await limited(max_rows=2)
    rows = await client.post("/predict", json={"data": {"temp": [[1, 2, 3]] * 3}})
    entities = await client.post("/predict/feast", json={"entities": [1, 2, 3]})
    tensor = {"name": "location_id", "datatype": "INT64", "shape": [3], "data": [1, 2, 3]}
    protocol = await client.post("/v2/models/forecast/infer", json={"inputs": [tensor]})

    assert [each.status_code for each in (rows, entities, protocol)] == [413] * 3


async def test_one_request_too_many_is_429_at_once_and_its_place_is_free_later(limited):
    """Nothing queues without end."""
    graph, client = await limited(max_in_flight=1)
    first = asyncio.create_task(client.post("/predict", json=WAITING))
    await graph.predict.busy.wait()
    refused = await client.post("/predict", json=ROW)
    graph.predict.gate.set()
    answered = await first
    later = await client.post("/predict", json=ROW)

    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    assert (answered.status_code, later.status_code) == (200, 200)


async def test_health_answers_while_every_place_is_taken(limited):
    """A full server is not a dead one."""
    graph, client = await limited(max_in_flight=1)
    first = asyncio.create_task(client.post("/predict", json=WAITING))
    await graph.predict.busy.wait()
    health = await client.get("/health")
    graph.predict.gate.set()
    await first

    assert health.status_code == 200


async def test_a_request_over_its_time_is_504_and_its_steps_are_cancelled(limited):
    """The server's own limit."""
    graph, client = await limited(request_timeout=0.05)
    response = await client.post("/predict", json=WAITING)

    assert response.status_code == 504
    assert graph.predict.cancelled == 1


async def test_a_client_may_allow_less_time_but_not_more(limited):
    """The header x-request-timeout is in seconds."""
    _, client = await limited(request_timeout=0.2)
    less = await client.post("/predict", json=WAITING, headers={"x-request-timeout": "0.01"})
    more = await client.post("/predict", json=WAITING, headers={"x-request-timeout": "900"})
    wrong = await client.post("/predict", json=ROW, headers={"x-request-timeout": "soon"})

    assert (less.status_code, more.status_code, wrong.status_code) == (504, 504, 400)
    assert less.elapsed < more.elapsed


async def test_a_body_that_never_ends_is_504(limited):
    """A slow client holds no place for ever."""
    _, client = await limited(request_timeout=0.05)

    async def endless():
        """Begin, and never end."""
        yield b'{"data":'
        await asyncio.Event().wait()

    response = await client.post("/predict", content=endless())

    assert response.status_code == 504
