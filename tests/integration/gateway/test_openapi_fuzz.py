"""Schemathesis asks every path what the OpenAPI document allows and forbids: no 5xx, every answer as described."""

import openapi_fuzz
import pytest
from schemathesis import GenerationMode
from small_server import small_server

EXAMPLES = 30


@pytest.fixture(scope="module")
def operations():
    """Every operation of the document that a running server gives; few rows, so that too many are soon made."""
    with small_server(max_rows=50) as server:
        yield openapi_fuzz.operations(server.url)


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_as_described(operations, mode):
    """Whatever is sent, right or wrong, the server answers in the words of its document."""
    seen = openapi_fuzz.drive(operations, mode, EXAMPLES)

    assert set(seen) == {each.label for each in operations if mode is GenerationMode.POSITIVE or each.method == "post"}
