"""The OpenAPI document says what the application does."""

import jsonschema_rs
import pytest
from small_steps import SmallGraph, client_of
from starlette.routing import Route


@pytest.fixture
async def described(client):
    """The document as clients get it."""
    return (await client.get("/openapi.json")).json()


async def test_every_path_that_is_served_is_described(graph, described):
    """But those that only refuse."""
    served = {route.path for route in graph.app.app.routes if isinstance(route, Route)}
    served -= {"/{rest:path}", "/v2/{rest:path}"}

    assert served == set(described["paths"])


async def test_every_reference_leads_somewhere(described):
    """A generator of clients would stop at one that does not."""

    def references(part):
        """List them all."""
        if isinstance(part, dict):
            yield from ([part["$ref"]] if "$ref" in part else [])
            for each in part.values():
                yield from references(each)
        elif isinstance(part, list):
            for each in part:
                yield from references(each)

    names = {each.rsplit("/", 1)[-1] for each in references(described)}

    assert names == set(described["components"]["schemas"])


async def test_every_schema_is_one(described):
    """JSON Schema 2020-12, as OpenAPI 3.1 has it."""
    for schema in described["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


async def test_limits_stand_in_the_document():
    """It is made from the limits that are enforced."""
    graph = SmallGraph(max_rows=17)
    async with client_of(graph) as client:
        described = (await client.get("/openapi.json")).json()
    await graph.gateway.aclose()
    data = described["components"]["schemas"]["PayloadRequest"]["properties"]["data"]

    assert data["additionalProperties"]["maxItems"] == 17
