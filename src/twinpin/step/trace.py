"""Trace context: W3C's traceparent and tracestate, read from whatever a client sends, and made where there is none.

Rules: www.w3.org/TR/trace-context. What breaks them counts as absent: a trace is never a reason to refuse a request.
"""

import random
import re
from collections.abc import Iterable
from typing import NamedTuple

TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"
SAMPLED = 0x01
# Version 00 has exactly these four fields; a later one may have more, behind another dash, which nobody here can read.
_PARENT = re.compile(r"(?:(00)|(?!00|ff)[0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?(1)|(?:-[!-~]*)?)")
_STATE = re.compile(r"[ -~\t]*")
#: Characters of a tracestate that are carried; W3C asks for 512 at least.
LONGEST_STATE = 512
#: Characters of a traceparent that are looked at; one of version 00 has 55.
_LONGEST_PARENT = 256
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16


class TraceContext(NamedTuple):
    """One place in a trace: ids as W3C writes them, in small hexadecimal digits, and the vendors' state beside them."""

    trace_id: str
    span_id: str
    flags: int = 0
    state: str = ""

    @property
    def sampled(self) -> bool:
        """Whether whoever came before records the trace."""
        return bool(self.flags & SAMPLED)

    @property
    def parent(self) -> str:
        """The traceparent that leads to this place."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags:02x}"

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Name and value of what a next process has to be told."""
        told = [(TRACEPARENT, self.parent)]
        return [*told, (TRACESTATE, self.state)] if self.state else told


def read(parent: object, state: object = None) -> TraceContext | None:
    """Read a traceparent and its tracestate; None where the first is none. A state that is none is left out."""
    if not isinstance(parent, str) or len(parent) > _LONGEST_PARENT:
        return None
    found = _PARENT.fullmatch(parent)
    if found is None:
        return None
    _version, trace_id, span_id, flags = found.groups()
    if trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    return TraceContext(trace_id, span_id, int(flags, 16) & 0x03, _state(state))


def read_headers(headers: Iterable[tuple[bytes, bytes]]) -> TraceContext | None:
    """Read both from the (lower-case) headers of a request; of two traceparents neither counts."""
    parents, states = [], []
    for name, value in headers:
        if name == b"traceparent":
            parents.append(value)
        elif name == b"tracestate":
            states.append(value)
    if len(parents) != 1:
        return None
    return read(str(parents[0], "latin-1"), str(b",".join(states), "latin-1"))


def fresh() -> TraceContext:
    """Begin a trace that nobody records: its id serves the logs."""
    return TraceContext(f"{random.getrandbits(128) or 1:032x}", f"{random.getrandbits(64) or 1:016x}")


def _state(value: object) -> str:
    """Take over a state of a length and of characters that any server takes."""
    if not isinstance(value, str) or len(value) > LONGEST_STATE or not _STATE.fullmatch(value):
        return ""
    return value.strip()
