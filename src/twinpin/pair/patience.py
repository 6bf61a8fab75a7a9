"""Patience: try again while a fault is temporary, until a deadline."""

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from twinpin.pair.errors import NotYet, PairError

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds of the first and of the longest pause; each is drawn from 0 to its limit, so that pods do not come in step.
FIRST, LONGEST = 0.2, 5.0


def patiently(attempt: Callable[[], T], seconds: float, trouble: Callable[[PairError], None]) -> T:
    """Call *attempt* until it returns, raises what is not temporary, or *seconds* are over.

    *trouble* hears of each fault, the last one too; the log has one line for a fault, however often it is met.
    At the deadline the last NotYet is raised again, and says how long it was tried. An attempt that is under way is
    not cut: a large download may take longer than the deadline.
    """
    started = time.monotonic()
    limit = FIRST
    logged = ""
    while True:
        try:
            return attempt()
        except PairError as error:
            trouble(error)
            if not isinstance(error, NotYet):
                raise
            left = started + seconds - time.monotonic()
            pause = random.uniform(0.0, limit)  # noqa: S311 -- jitter
            if left <= pause:
                spent = time.monotonic() - started
                raise type(error)(f"{_ended(error)} Gave up after {spent:.0f} s.", mend=error.mend) from error
            if error.message != logged:
                log.warning("%s Trying again, for %.0f s at most.", _ended(error), left)
                logged = error.message
            time.sleep(pause)
            limit = min(limit * 2, LONGEST)


def _ended(error: NotYet) -> str:
    """End a quoted cause as a sentence ends."""
    return f"{error.message.rstrip('.')}."
