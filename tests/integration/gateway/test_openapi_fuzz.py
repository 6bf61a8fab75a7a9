"""Schemathesis asks every path what the OpenAPI document allows and forbids: no 5xx, every answer as described."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from small_server import small_server

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]
EXAMPLES = 30
TOO_LARGE = 413


@pytest.fixture(scope="module")
def operations():
    """Every operation of the document that a running server gives; few rows, so that too many are soon made."""
    with small_server(max_rows=50) as server:
        schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
        yield [result.ok() for result in schema.get_all_operations()]


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_as_described(operations, mode):
    """Whatever is sent, right or wrong, the server answers in the words of its document."""
    asked = set()
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and operation.method == "get":
            continue  # nothing that a GET sends can be wrong but the path, which the 404s are for

        @given(operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        def conforms(case):
            """Send one and check the answer."""
            asked.add(case.operation.label)
            response = case.call()
            # A body over the limits breaks the schema too, and 413 is the right answer to it.
            refused = mode is GenerationMode.NEGATIVE and response.status_code != TOO_LARGE
            case.validate_response(response, checks=[*CHECKS, negative_data_rejection] if refused else CHECKS)

        conforms()

    assert asked == {each.label for each in operations if mode is GenerationMode.POSITIVE or each.method == "post"}
