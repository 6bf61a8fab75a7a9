"""Verdict: whether a canary does worse than the stable chain, by what both were counted to do.

A difference has to be large enough to matter and too large for chance: with few requests nothing is said.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counted:
    """What one chain did in one stretch of time."""

    requests: int
    errors: int
    #: Sum over all requests, in seconds.
    seconds: float = 0.0

    @property
    def error_rate(self) -> float:
        """Errors per request."""
        return self.errors / self.requests if self.requests else 0.0

    @property
    def mean(self) -> float:
        """Seconds per request."""
        return self.seconds / self.requests if self.requests else 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How much worse a canary may do."""

    #: Requests of the canary below which nothing is said.
    requests: int = 100
    #: Errors per request above those of the stable chain.
    errors: float = 0.01
    #: Times the mean latency of the stable chain.
    latency: float = 2.0
    #: Standard errors by which the error rates have to differ: 3 is once in 700 by chance.
    sigmas: float = 3.0


def verdict(stable: Counted, canary: Counted, limits: Limits) -> str | None:
    """Say why the canary should end; None where it need not, or where nothing can be said yet."""
    if canary.requests < limits.requests or not stable.requests:
        return None
    excess = canary.error_rate - stable.error_rate
    if excess > limits.errors and excess > limits.sigmas * _deviation(stable, canary):
        return (
            f"{canary.errors} of {canary.requests} requests to the canary failed, "
            f"{stable.errors} of {stable.requests} to the stable chain."
        )
    if stable.mean and canary.mean > limits.latency * stable.mean:
        return f"A request to the canary takes {canary.mean:.3f} s, to the stable chain {stable.mean:.3f} s."
    return None


def _deviation(stable: Counted, canary: Counted) -> float:
    """Standard error of the difference of two rates, were they the same rate."""
    requests = stable.requests + canary.requests
    rate = (stable.errors + canary.errors) / requests
    return math.sqrt(rate * (1 - rate) * (1 / stable.requests + 1 / canary.requests))
