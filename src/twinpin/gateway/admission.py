"""Admission: how many requests are worked on at once."""

from twinpin.step.errors import Busy


class Admission:
    """Counts the requests in flight of one event loop; refuses one too many at once instead of letting it queue."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.in_flight = 0

    def __enter__(self) -> None:
        """Take one place; raises Busy where all are taken."""
        if self.in_flight >= self._limit:
            raise Busy(f"{self._limit} requests are being answered, which is the limit; try again in a second.")
        self.in_flight += 1

    def __exit__(self, *_error: object) -> None:
        """Give it back."""
        self.in_flight -= 1
