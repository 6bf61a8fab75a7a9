"""Lifecycle: whether the server takes new work, which readiness shows before the sockets close."""

import time


class Lifecycle:
    """Serving, then draining: `ready` answers no from the first moment of a drain on, requests are still answered."""

    def __init__(self) -> None:
        self._draining = False
        self._called = float("-inf")

    @property
    def draining(self) -> bool:
        """Whether the server is about to stop."""
        return self._draining

    @property
    def quiet(self) -> float:
        """Seconds since the last inference over gRPC came."""
        return time.monotonic() - self._called

    def called(self) -> None:
        """Note that an inference over gRPC came."""
        self._called = time.monotonic()

    def drain(self) -> None:
        """Turn readiness off."""
        self._draining = True
