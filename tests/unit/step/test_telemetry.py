"""Logs as JSON lines, and what the kit costs to import."""

import json
import logging
import subprocess
import sys

import httpx
import numpy as np
import pytest
from starlette.routing import Router

from twinpin.step.block import rows_of
from twinpin.step.telemetry import REQUEST_SECONDS, JsonLines, metrics_route, observe


def line(**record):
    """Format one record."""
    return json.loads(JsonLines().format(logging.makeLogRecord({"name": "n", "levelname": "INFO"} | record)))


def test_a_line_has_time_level_logger_and_message():
    """In UTC, to the millisecond."""
    written = line(msg="took %d", args=(3,), created=0.5)

    assert written == {"time": "1970-01-01T00:00:00.500+00:00", "level": "INFO", "logger": "n", "message": "took 3"}


def test_what_is_given_as_extra_is_a_field():
    """Whatever its type."""
    written = line(msg="m", request_id="r", path=object, counts={1: 2})

    assert written["request_id"] == "r"
    assert written["counts"] == {"1": 2}


def test_a_traceback_stays_within_its_line():
    """One record, one line."""
    try:
        int("two\nlines")
    except ValueError:
        text = JsonLines().format(logging.makeLogRecord({"msg": "m", "exc_info": sys.exc_info()}))

    assert "\n" not in text
    assert "ValueError: invalid literal" in json.loads(text)["exception"]


@pytest.mark.parametrize(
    "module", ["rest", "grpc_service", "runner", "serving", "protocol", "decode", "encode", "arguments"]
)
def test_no_module_but_the_server_imports_kserve(module):
    """The gateway's image does not have it, and it costs 2.5 seconds."""
    code = f"import sys, twinpin.step.{module}; sys.exit('kserve' in sys.modules or 'fastapi' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


async def test_a_trace_is_an_exemplar_of_its_requests_time():
    """Where the scraper asks for OpenMetrics; the older text has no place for it."""
    observe("traced", 200, 0.003, "4bf92f3577b34da6a3ce929d0e0e4736")
    app = Router([metrics_route()])

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        plain = (await client.get("/metrics")).text
        open_metrics = (await client.get("/metrics", headers={"accept": "application/openmetrics-text"})).text

    line = 'twinpin_request_duration_seconds_bucket{endpoint="traced",le="0.005"} 1.0'
    assert f'{line} # {{trace_id="4bf92f3577b34da6a3ce929d0e0e4736"}} 0.003' in open_metrics
    assert f"{line}\n" in plain
    assert "trace_id" not in plain


def test_a_request_without_a_trace_has_no_exemplar():
    """Most have none."""
    observe("untraced", 200, 0.003)

    (family,) = REQUEST_SECONDS.collect()

    assert not [each.exemplar for each in family.samples if each.labels["endpoint"] == "untraced" and each.exemplar]


@pytest.mark.parametrize(("rows", "wanted"), [(np.zeros((3, 2)), 3), (np.zeros(4), 4), (np.array(1.0), 1)])
def test_rows_run_along_the_first_axis(rows, wanted):
    """A request that names none is for the one default entity."""
    assert rows_of({"x": rows}) == wanted
    assert rows_of({}) == 1
