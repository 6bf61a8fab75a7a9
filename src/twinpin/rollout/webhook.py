"""Webhook: a delivery of MLflow's, taken for a hint where it is signed, fresh, new, and about the pair's alias.

MLflow signs `<delivery id>.<timestamp>.<body>` with HMAC-SHA256. Whatever a delivery says, nothing is taken from it:
the registry is asked.
"""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

SIGNATURE, DELIVERY, TIMESTAMP = "x-mlflow-signature", "x-mlflow-delivery-id", "x-mlflow-timestamp"

#: Seconds by which a delivery's clock and ours may differ, its way included.
FRESH = 300.0
#: Deliveries that are remembered; one that is forgotten and sent again is a hint too many, no more.
REMEMBERED = 1024

#: What becomes of a delivery -> what its sender is answered.
ANSWERS: dict[str, tuple[HTTPStatus, str]] = {
    "accepted": (HTTPStatus.ACCEPTED, "The controller looks at once."),
    "ignored": (HTTPStatus.ACCEPTED, "It is not about this pair's alias."),
    "repeated": (HTTPStatus.ACCEPTED, "It came before."),
    "unsigned": (HTTPStatus.UNAUTHORIZED, "Register the webhook with a secret: it carries no signature."),
    "wrong": (HTTPStatus.UNAUTHORIZED, "The signature does not fit: give MLflow and the controller the same secret."),
    "stale": (HTTPStatus.UNAUTHORIZED, f"It is over {FRESH:.0f} s old or from the future: set both clocks."),
    "malformed": (HTTPStatus.BAD_REQUEST, "The body is no event of MLflow's."),
    "too_large": (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "No event of MLflow's is that large."),
    "slow": (HTTPStatus.REQUEST_TIMEOUT, "The body did not arrive in time."),
    "off": (HTTPStatus.NOT_FOUND, "Webhooks are off here: give the controller --webhook-secret."),
}


@dataclass(slots=True)
class Deliveries:
    """Judges deliveries that are signed with *secret*; those about *alias* of one of the *names* matter."""

    secret: str
    names: frozenset[str]
    alias: str
    clock: Callable[[], float] = time.time
    _known: OrderedDict[str, None] = field(default_factory=OrderedDict, init=False)

    def judge(self, headers: Mapping[str, str], body: bytes) -> str:
        """Say what becomes of a delivery, in a word of ANSWERS."""
        given, delivery, stamp = (headers.get(name, "") for name in (SIGNATURE, DELIVERY, TIMESTAMP))
        if not (given and delivery and stamp):
            return "unsigned"
        if not self._signed(given, f"{delivery}.{stamp}.".encode("latin-1") + body):
            return "wrong"
        if not stamp.isdecimal() or abs(self.clock() - int(stamp)) > FRESH:
            return "stale"
        if delivery in self._known:
            return "repeated"
        self._remember(delivery)
        return self._meaning(body)

    def _signed(self, given: str, content: bytes) -> bool:
        """Compare in a time that tells nothing; a header may hold several signatures, as while a secret changes."""
        wanted = hmac.new(self.secret.encode(), content, hashlib.sha256).digest()
        return any([hmac.compare_digest(wanted, _decoded(each)) for each in given.split()])  # noqa: C419 -- all are compared

    def _remember(self, delivery: str) -> None:
        """Keep its id, and forget the oldest."""
        self._known[delivery] = None
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _meaning(self, body: bytes) -> str:
        """Read what it is about."""
        try:
            event: Any = json.loads(body)
            data = event["data"]
            alias = event["entity"] == "model_version_alias" and data["alias"] == self.alias
            return "accepted" if alias and data["name"] in self.names else "ignored"
        except (ValueError, KeyError, TypeError, RecursionError):
            return "malformed"


def _decoded(signature: str) -> bytes:
    """Take the bytes out of `v1,<base64>`; none where it is something else."""
    version, _, text = signature.partition(",")
    try:
        return base64.b64decode(text, validate=True) if version == "v1" else b""
    except (binascii.Error, ValueError):
        return b""
