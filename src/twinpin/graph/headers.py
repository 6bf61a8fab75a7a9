"""Which of the client's headers go on to every step: the router's PROPAGATE_HEADERS."""

import logging
import re
from collections.abc import Sequence

from twinpin.graph.transport import Headers

log = logging.getLogger(__name__)

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
#: Of this one connection and this one body: never sent on, whatever the patterns say.
_OWN = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "inference-header-content-length",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    },
)


def canonical(name: str) -> str:
    """Write a name as Go does: Traceparent, X-Request-Id; one that is no HTTP token stays as it is."""
    return "-".join(part.capitalize() for part in name.split("-")) if _TOKEN.fullmatch(name) else name


class Propagation:
    """Patterns searched for, unanchored and case-sensitive, in the canonical names of headers.

    A pattern that is no regular expression is left out and logged, as the router does. `traceparent` matches nothing,
    since the canonical name is Traceparent; write `(?i)traceparent`.
    """

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self._patterns = [compiled for each in patterns if (compiled := _compile(each))]

    def select(self, headers: Headers) -> Headers:
        """Pick the headers that go on, each with all its values."""
        if not self._patterns:
            return ()
        named = [(canonical(name), value) for name, value in headers if name.lower() not in _OWN]
        return tuple((name, value) for name, value in named if any(each.search(name) for each in self._patterns))


def _compile(pattern: str) -> re.Pattern[str] | None:
    """Read one pattern; None, and a line in the log, where it is none."""
    try:
        return re.compile(pattern)
    except re.error as error:
        log.warning("headers are not propagated by %r, which is no regular expression: %s", pattern, error)
        return None
