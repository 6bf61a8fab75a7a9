"""W3C's trace context, as whoever may send it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpin.step.trace import LONGEST_STATE, TraceContext, fresh, read, read_headers

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"


def test_what_is_right_comes_back_as_it_was():
    """Ids, the flags that W3C knows, and the state."""
    found = read(PARENT, "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7")

    assert found == TraceContext(TRACE, SPAN, 1, "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7")
    assert found.sampled
    assert found.headers == [("traceparent", PARENT), ("tracestate", found.state)]


@pytest.mark.parametrize(
    ("flags", "kept"), [("00", "00"), ("01", "01"), ("02", "02"), ("03", "03"), ("fc", "00"), ("ff", "03")]
)
def test_flags_that_nobody_knows_are_not_handed_on(flags, kept):
    """W3C: set them to zero."""
    assert read(f"00-{TRACE}-{SPAN}-{flags}").parent == f"00-{TRACE}-{SPAN}-{kept}"


@pytest.mark.parametrize("parent", [f"cc-{TRACE}-{SPAN}-01", f"01-{TRACE}-{SPAN}-01-what-the-future-will-be-like"])
def test_a_later_version_is_read_as_far_as_it_is_known(parent):
    """And goes on as the version that is spoken here."""
    assert read(parent).parent == PARENT


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "00",
        f"ff-{TRACE}-{SPAN}-01",  # no version has this number
        f"0-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}0-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01-",  # version 00 ends with its flags
        f"00-{TRACE}-{SPAN}-01-more",
        f"01-{TRACE}-{SPAN}-01more",
        f" {PARENT}",
        f"{PARENT}\n",
        f"{PARENT}\r\nx-admin: yes",
        PARENT.replace("0", "\uff10"),  # digits, but not of ASCII
        f"01-{TRACE}-{SPAN}-01-" + "x" * 100_000,
        None,
        1,
        True,
        b"00-" + TRACE.encode(),
    ],
)
def test_what_is_wrong_is_no_trace(parent):
    """It is left aside; no request is refused for it."""
    assert read(parent, "a=b") is None


@pytest.mark.parametrize("state", ["x" * (LONGEST_STATE + 1), "a=\n", "a=ü", "a=b\0", 7, None])
def test_a_state_that_no_server_would_take_is_left_out(state):
    """The trace goes on without it."""
    assert read(PARENT, state) == TraceContext(TRACE, SPAN, 1)


@given(st.text() | st.from_regex(r"[0-9a-f-]{0,80}"), st.text())
def test_nothing_that_is_sent_breaks_it(parent, state):
    """Whatever is taken over is of the form that is sent on."""
    found = read(parent, state)

    assert found is None or read(found.parent, found.state) == found


def test_reading_takes_no_time_that_a_client_can_choose():
    """A header as long as servers take is no work."""
    hostile = ["00-" + "0" * 60_000, "-" * 60_000, f"01-{TRACE}-{SPAN}-01-" + "-" * 60_000]
    began = time.process_time()
    for each in hostile * 100:
        assert read(each, each) is None

    assert time.process_time() - began < 0.5


def test_headers_are_found_among_others():
    """Several lines of state are one list."""
    headers = [
        (b"host", b"x"),
        (b"tracestate", b"a=1"),
        (b"traceparent", PARENT.encode()),
        (b"tracestate", b"b=2"),
    ]

    assert read_headers(headers) == TraceContext(TRACE, SPAN, 1, "a=1,b=2")
    assert read_headers([(b"tracestate", b"a=1")]) is None


def test_two_parents_are_none():
    """Nobody knows which of them is meant."""
    assert read_headers([(b"traceparent", PARENT.encode())] * 2) is None


def test_bytes_beyond_ascii_are_no_trace():
    """Headers may hold any."""
    assert read_headers([(b"traceparent", b"\xff" * 55)]) is None


def test_a_trace_that_begins_here_is_its_own_and_not_sampled():
    """Its ids are of W3C's form."""
    first, second = fresh(), fresh()

    assert read(first.parent) == first
    assert not first.sampled
    assert first.trace_id != second.trace_id
