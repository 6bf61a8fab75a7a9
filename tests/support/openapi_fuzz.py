"""Schemathesis drives a running server by the OpenAPI document that it gives: no defect, every answer as described."""

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

TOO_LARGE, DEADLINE_EXCEEDED = 413, 504
_SERVER_ERRORS = range(500, 600)


def no_server_error(_context, response, case):
    """Refuse every 5xx but the end of the time that the client itself allowed."""
    if response.status_code == DEADLINE_EXCEEDED and "x-request-timeout" in (case.headers or {}):
        return
    if response.status_code in _SERVER_ERRORS:
        raise AssertionError(f"{response.status_code} {response.text}")


CHECKS = [
    no_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]


def operations(url):
    """Every operation of the document that the server at *url* gives."""
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    return [result.ok() for result in schema.get_all_operations()]


def drive(found, mode, examples):
    """Send *examples* requests to each operation, right or wrong by *mode*, and check the answers.

    Returns {operation: statuses seen}.
    """
    seen = {}
    for operation in found:
        if mode is GenerationMode.NEGATIVE and operation.method == "get":
            continue  # nothing that a GET sends can be wrong but the path, which the 404s are for
        _drive_one(operation, mode, examples, seen.setdefault(operation.label, set()))
    return seen


def _drive_one(operation, mode, examples, statuses):
    """Drive one operation."""

    @given(operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=examples,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    def conforms(case):
        """Send one and check the answer."""
        response = case.call()
        statuses.add(response.status_code)
        # A body over the limits breaks the schema too, and 413 is the right answer to it.
        refused = mode is GenerationMode.NEGATIVE and response.status_code != TOO_LARGE
        case.validate_response(response, checks=[*CHECKS, negative_data_rejection] if refused else CHECKS)

    conforms()
