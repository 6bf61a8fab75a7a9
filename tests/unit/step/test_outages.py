"""Outages in the log: each once, with its cause."""

import logging

import pytest

from twinpin.step import outages
from twinpin.step.outages import Outages, reason


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test moves, in seconds."""
    now = [1000.0]
    monkeypatch.setattr(outages.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def lines(caplog):
    """What the log said, as pairs of message and cause."""
    return lambda: [(each.getMessage(), getattr(each, "cause", None)) for each in caplog.records]


def test_an_outage_is_two_lines_however_many_requests_fail(clock, lines):
    """One as it begins, one as it ends, and none while all is well."""
    found = Outages(logging.getLogger("test"))
    found.answered("the store")
    for _ in range(1000):
        found.failed("the store", ConnectionRefusedError("port 7"))
        clock[0] += 0.01
    for _ in range(1000):
        found.answered("the store")

    assert lines() == [
        ("the store cannot be reached", "ConnectionRefusedError: port 7"),
        ("the store can be reached again", None),
    ]


def test_a_long_outage_is_told_again_each_minute(clock, lines):
    """Whoever looks late finds it too."""
    found = Outages(logging.getLogger("test"))
    for _ in range(150):
        found.failed("the store", "gone")
        clock[0] += 1

    assert len(lines()) == 3


def test_what_comes_and_goes_with_each_request_is_no_flood(clock, lines):
    """One of two pods down: every other request fails."""
    found = Outages(logging.getLogger("test"))
    for _ in range(1000):
        found.failed("step 'predict'", "gone")
        found.answered("step 'predict'")
        clock[0] += 0.01

    assert len(lines()) == 4


def test_each_thing_has_its_own_outage(clock, lines):
    """Two at once are two lines."""
    found = Outages(logging.getLogger("test"))
    found.failed("step 'a'", "gone")
    found.failed("step 'b'", TimeoutError())

    assert lines() == [("step 'a' cannot be reached", "gone"), ("step 'b' cannot be reached", "TimeoutError")]


def test_the_reason_names_what_is_behind_an_error():
    """Our own errors hide the cause from clients, not from the log."""
    error = RuntimeError("no store")
    error.__cause__ = OSError("port 7 is closed")

    assert reason(error) == "RuntimeError: no store (OSError: port 7 is closed)"
