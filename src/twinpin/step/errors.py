"""What can go wrong with a request, and the status that each protocol gives it.

TwinpinError
├── Malformed              400  the body is not what the protocol says
├── UnknownModel           404  no such model, version or path
├── PairMismatch           409  the message carries another pair's stamp
├── TooLarge               413  more bytes, rows or entities than the limits allow
├── Impossible             422  well-formed, but no answer exists for it
│   └── UnknownEntities    422  the store holds nothing fresh enough for these entities
├── Busy                   429  the server is full; try again
├── Unavailable            503  a store or a step is down, or the model is not ready
├── DeadlineExceeded       504  the time allowed for the request is over
└── Broken                 500  a defect of ours or of the artifact; the cause is in the log alone

A foreign exception (of Feast, XGBoost, redis, grpc) never reaches a client: its text may hold an address or a path.
Raise one of these from it, so that the log keeps the cause and the client reads a sentence that says what to do.
"""

from collections.abc import Mapping
from typing import ClassVar


class TwinpinError(Exception):
    """A failed request: *message* is shown to the client as it is, so it says what to do and names no address."""

    status: ClassVar[int] = 500
    #: Name of the gRPC status code.
    code: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        #: Seconds after which the same request may succeed; None where it will not.
        self.retry_after = retry_after

    @property
    def document(self) -> dict[str, object]:
        """The body of the answer, of the one shape that the protocol has for errors."""
        return {"error": self.message}


class Malformed(TwinpinError):
    """The body is not what the protocol says."""

    status = 400
    code = "INVALID_ARGUMENT"


class UnknownModel(TwinpinError):
    """There is no such model, version or path here."""

    status = 404
    code = "NOT_FOUND"


class PairMismatch(TwinpinError):
    """The message was made by another pair's preprocessor."""

    status = 409
    code = "FAILED_PRECONDITION"


class TooLarge(TwinpinError):
    """The request is over a limit on bytes, rows or entities."""

    status = 413
    code = "RESOURCE_EXHAUSTED"


class Impossible(TwinpinError):
    """The request is well-formed, but there is no right answer to it."""

    status = 422
    code = "INVALID_ARGUMENT"


class UnknownEntities(Impossible):
    """The store holds nothing, or nothing fresh enough, for some of the entities."""

    def __init__(self, message: str, statuses: Mapping[str, str]) -> None:
        super().__init__(message)
        #: Entity as text -> why it has no features: unknown, stale, null, before_window, after_newest.
        self.statuses = dict(statuses)

    @property
    def document(self) -> dict[str, object]:
        """The sentence, and under "missing" the reason for each entity."""
        return {"error": self.message, "missing": self.statuses}


class Busy(TwinpinError):
    """The server has as many requests as it takes; the client may try again."""

    status = 429
    code = "RESOURCE_EXHAUSTED"

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message, retry_after=retry_after)


class Unavailable(TwinpinError):
    """A store or a step cannot be reached, or the model is not ready; the client may try again."""

    status = 503
    code = "UNAVAILABLE"

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message, retry_after=retry_after)


class DeadlineExceeded(TwinpinError):
    """The time allowed for the request is over."""

    status = 504
    code = "DEADLINE_EXCEEDED"


class Broken(TwinpinError):
    """A defect of ours or of the artifact: the client learns that it happened, the log learns why."""


#: Status -> class, to make an error again from a step's answer.
BY_STATUS: Mapping[int, type[TwinpinError]] = {
    error.status: error
    for error in (
        Malformed,
        UnknownModel,
        PairMismatch,
        TooLarge,
        Impossible,
        Busy,
        Unavailable,
        DeadlineExceeded,
        Broken,
    )
}


class CannotStart(Exception):
    """A step cannot be made ready: the message tells the operator what to change; no client ever sees it."""
