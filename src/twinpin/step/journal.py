"""Journal: what the log says of requests: one line of each that failed, and one of so many others.

Which of the others is told by the trace id, so that every process writes of the same ones. Never a body, nor a sentence
that may quote one: of a client's own mistakes the log knows the kind alone.
"""

import logging
from typing import Any

from twinpin.step.errors import Broken, PairMismatch, TwinpinError
from twinpin.step.outages import reason
from twinpin.step.tracing import FAULTS, REFUSED, Trace

log = logging.getLogger("twinpin.requests")

_every = 0


def configure(every: int) -> None:
    """Write a line of one in *every* requests that did not fail; 0: of none."""
    global _every  # noqa: PLW0603 -- of the process, as the log is
    _every = every


def chosen(trace: Trace) -> bool:
    """Whether a request is one of those that get a line whatever becomes of them."""
    return _every > 0 and int(trace.context.trace_id[16:], 16) % _every == 0


def wanted(trace: Trace, status: int) -> bool:
    """Whether a request gets a line; *status* as REST gives it."""
    if status < REFUSED and not _every:
        return False
    level = _level(trace, status)
    return level is not None and log.isEnabledFor(level)


def write(trace: Trace, endpoint: str, status: int, seconds: float, error: BaseException | None) -> None:
    """Write the line of a request that is over.

    A fault of ours is an ERROR; what cannot be reached, what comes too late and another pair's stamp are a WARNING;
    what a client did wrong, or did not wait for, is seen at DEBUG.
    """
    fields: dict[str, Any] = {"endpoint": endpoint, "status": status, "seconds": round(seconds, 6)}
    if trace.rows is not None:
        fields["rows"] = trace.rows
    if trace.request_id:
        fields["request_id"] = trace.request_id
    if error is not None:
        fields |= _why(trace, status, error)
    level = _level(trace, status) or logging.DEBUG
    defect = _defect(trace, error) if status == Broken.status else None
    log.log(level, "request failed" if status >= REFUSED else "request answered", extra=fields, exc_info=defect)


def _level(trace: Trace, status: int) -> int | None:
    """How much an operator wants to know of it; None: nothing."""
    if status >= FAULTS:
        return logging.ERROR if status == Broken.status else logging.WARNING
    if status == PairMismatch.status:
        return logging.WARNING
    if chosen(trace):
        return logging.INFO
    return logging.DEBUG if status >= REFUSED else None


def _why(trace: Trace, status: int, error: BaseException) -> dict[str, str]:
    """Say what went wrong, without a client's words."""
    if status < FAULTS and status != PairMismatch.status:
        return {"error": type(error).__name__}
    why = {"error": str(error) if isinstance(error, TwinpinError) else type(error).__name__}
    cause = error.__cause__ or (trace.fault.__cause__ if trace.fault is not None else None)
    return why if cause is None or status == Broken.status else why | {"cause": reason(cause)}


def _defect(trace: Trace, error: BaseException | None) -> BaseException | None:
    """Find the exception whose traceback shows what is broken."""
    for each in (error, trace.fault):
        if each is not None and not isinstance(each, TwinpinError):
            return each
        if each is not None and each.__cause__ is not None:
            return each.__cause__
    return None
