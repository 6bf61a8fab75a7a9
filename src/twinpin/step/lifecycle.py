"""Lifecycle: whether the server takes new work, which readiness shows before the sockets close."""


class Lifecycle:
    """Serving, then draining: `ready` answers no from the first moment of a drain on, requests are still answered."""

    def __init__(self) -> None:
        self._draining = False

    @property
    def draining(self) -> bool:
        """Whether the server is about to stop."""
        return self._draining

    def drain(self) -> None:
        """Turn readiness off."""
        self._draining = True
