"""Logs as JSON lines, and what the kit costs to import."""

import json
import logging
import subprocess
import sys

import pytest

from twinpin.step.telemetry import JsonLines


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


@pytest.mark.parametrize("module", ["rest", "grpc_service", "runner", "serving", "protocol", "codec", "arguments"])
def test_no_module_but_the_server_imports_kserve(module):
    """The gateway's image does not have it, and it costs 2.5 seconds."""
    code = f"import sys, twinpin.step.{module}; sys.exit('kserve' in sys.modules or 'fastapi' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
