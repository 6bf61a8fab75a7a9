"""Limits: what one request may cost, whichever protocol brings it."""

from dataclasses import dataclass

from twinpin.step.block import row_counts
from twinpin.step.errors import TooLarge
from twinpin.step.step import Message


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may cost."""

    max_body_bytes: int = 8 << 20
    max_rows: int = 10_000
    #: Seconds; the deadline of a request that names none, and the most that one may ask for.
    request_timeout: float = 30.0

    def admit(self, message: Message) -> None:
        """Raise TooLarge for a message of too many rows."""
        rows = max(row_counts(message.tensors), default=0)
        if rows > self.max_rows:
            name = next(name for name, array in message.tensors.items() if array.ndim and len(array) == rows)
            raise TooLarge(f"tensor {name!r} has {rows} rows; at most {self.max_rows} are taken at a time")
