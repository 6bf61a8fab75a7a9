"""A gateway over small steps in memory, asked without a socket."""

import pytest
from small_steps import SmallGraph, client_of


@pytest.fixture
async def graph():
    """The whole gateway."""
    graph = SmallGraph()
    yield graph
    graph.predict.gate.set()
    await graph.gateway.aclose()


@pytest.fixture
async def client(graph):
    """A client of it."""
    async with client_of(graph) as client:
        yield client
