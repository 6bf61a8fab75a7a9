"""Outages: the log of what cannot be reached, one line as it begins and one as it ends, however many requests fail."""

import logging
import time
from contextvars import Context

#: Seconds between two lines about one thing that comes and goes.
QUIET = 5.0
#: Seconds after which a log says again what still cannot be reached.
REMINDER = 60.0


class Outages:
    """Tells *log* of each event once, with its cause, which clients never see: it may name an address.

    The line belongs to no request, be it one that met the outage first: each that fails has a line of its own.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._down: set[str] = set()
        self._told: dict[str, float] = {}

    def failed(self, what: str, cause: BaseException | str) -> None:
        """Note that *what*, a word of ours, could not be reached."""
        now = time.monotonic()
        if now - self._told.get(what, float("-inf")) < (REMINDER if what in self._down else QUIET):
            return
        self._told[what] = now
        self._down.add(what)
        Context().run(self._log.warning, "%s cannot be reached", what, extra={"cause": reason(cause)})

    def answered(self, what: str) -> None:
        """Note that *what* answered."""
        if what in self._down:
            self._down.discard(what)
            Context().run(self._log.warning, "%s can be reached again", what)


def reason(cause: BaseException | str) -> str:
    """Say in a line what an exception and those behind it say."""
    if isinstance(cause, str):
        return cause
    words = f"{type(cause).__name__}: {cause}".removesuffix(": ")
    behind = cause.__cause__
    return words if behind is None else f"{words} ({reason(behind)})"
