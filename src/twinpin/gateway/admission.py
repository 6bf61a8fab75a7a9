"""Admission: how many requests are worked on at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from twinpin.step.errors import Busy


class Admission:
    """Counts the requests in flight of one event loop; refuses one too many at once instead of letting it queue."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.in_flight = 0

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold one place; raises Busy where all are taken."""
        if self.in_flight >= self._limit:
            raise Busy(f"{self._limit} requests are being answered, which is the limit; try again in a second.")
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1
