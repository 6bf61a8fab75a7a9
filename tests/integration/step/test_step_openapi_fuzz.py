"""Schemathesis asks a step's server what its OpenAPI document allows and forbids."""

import openapi_fuzz
import pytest
from schemathesis import GenerationMode

EXAMPLES = 30
INFER = "POST /v2/models/{model}/infer"
VERSIONED_INFER = "POST /v2/models/{model}/versions/{version}/infer"


@pytest.fixture(scope="module")
def operations(echo_server):
    """Every operation of the document that the echo step's server gives."""
    return openapi_fuzz.operations(echo_server.url)


def test_what_the_document_allows(operations):
    """The paths of the protocol, by version and without, in JSON and in bytes: answered as the document says."""
    seen = openapi_fuzz.drive(operations, GenerationMode.POSITIVE, EXAMPLES)

    assert set(seen) == {each.label for each in operations}
    assert seen["GET /v2/"] == seen["GET /v2/models/{model}/versions/{version}/ready"] == {200}
    assert seen[INFER] >= {200, 400}


def test_what_the_document_forbids(operations):
    """Refused as the client's fault; of what else there may be in a URL, nothing is asked."""
    seen = openapi_fuzz.drive(operations, GenerationMode.NEGATIVE, EXAMPLES)

    assert {INFER, VERSIONED_INFER} == {label for label, statuses in seen.items() if 400 in statuses}
