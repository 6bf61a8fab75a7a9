"""The protocol over REST, as Starlette routes for any list of `Served`."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.routing import BaseRoute

from twinpin.step.lifecycle import Lifecycle
from twinpin.step.served import Served


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may cost."""

    max_body_bytes: int = 8 << 20
    max_rows: int = 10_000
    #: Seconds; the deadline of a request that names none, and the most that one may ask for.
    request_timeout: float = 30.0


def routes(models: Sequence[Served], limits: Limits, lifecycle: Lifecycle | None = None) -> list[BaseRoute]:
    """Return the routes below /v2 for *models*; anything else below /v2 is a 404 of the protocol's shape."""
    raise NotImplementedError
