"""Condition: a step's GJSON path, checked when the graph is loaded and asked of each body."""

import re

from twinpin.graph import gjson
from twinpin.graph.body import Body
from twinpin.step.errors import Malformed

#: A key and nothing else: what a Switch by request kind asks.
_PLAIN = re.compile(r"[A-Za-z0-9_$ -]+")
_DIGITS = re.compile(r"\d+")


class Condition:
    """Whether a path exists in a body; a plain key is answered for a Message without making JSON from it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._plain = bool(_PLAIN.fullmatch(path)) and not _DIGITS.fullmatch(path)

    def __repr__(self) -> str:
        return f"Condition({self.path!r})"

    def met(self, body: Body) -> bool:
        """Tell whether the path finds a value (null is one); raises Malformed where the body is not JSON."""
        if self._plain:
            return body.has_key(self.path)
        if self.path == "@this":
            body.require_json()
            return True
        return gjson.exists(body.json(), self.path)


def is_json(body: Body) -> bool:
    """Tell whether the body is one JSON document; a Message always is."""
    try:
        body.require_json()
    except Malformed:
        return False
    return True
