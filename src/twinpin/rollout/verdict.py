"""Verdict: whether a canary does worse than the stable chain, by what both were counted to do.

A difference has to be large enough to matter and too large for chance: with few requests nothing is said.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from twinpin.rollout.resource import Forecasts, Limits

#: How likely chance alone may make a difference of errors that ends a canary. It is looked at every few seconds for as
#: long as a canary lasts, so this is far below the usual hundredth.
CHANCE = 1e-5
#: Standard errors by which mean times have to differ, for the same reason.
SIGMAS = 5.0
#: Standard error of the median of a normal distribution, in interquartile ranges over the root of the number of rows.
MEDIAN = 0.93
#: Terms of a sum that are this much smaller than the first change nothing.
_NOTHING = 1e-12


@dataclass(frozen=True, slots=True)
class Counted:
    """What one step of one chain did in one stretch of time, as far as it is known."""

    requests: int = 0
    #: Requests that got no good answer, whoever is to blame: both chains get their share of the same ones.
    errors: int = 0
    #: Sum over all requests, in seconds.
    seconds: float = 0.0
    #: Sum of their squares, or more.
    squares: float = 0.0
    #: Containers that were started again.
    restarts: int = 0
    #: Rows of inputs that were looked at, and in how many of them an input was missing.
    rows: int = 0
    missing: Mapping[str, int] = field(default_factory=dict)
    #: The newest forecasts, whenever they were made.
    forecasts: Forecasts | None = None

    @property
    def error_rate(self) -> float:
        """Errors per request."""
        return self.errors / self.requests if self.requests else 0.0

    @property
    def mean(self) -> float:
        """Seconds per request."""
        return self.seconds / self.requests if self.requests else 0.0

    @property
    def deviation(self) -> float:
        """Standard error of the mean."""
        if not self.requests:
            return 0.0
        return math.sqrt(max(0.0, self.squares / self.requests - self.mean**2) / self.requests)


#: The steps of a chain by name. One may be counted in more of its pods than another, so counts are not added up.
Chain = Mapping[str, Counted]


def verdict(stable: Chain, canary: Chain, limits: Limits) -> str | None:
    """Say why the canary should end; None where it need not, or where nothing can be said yet."""
    both = sorted(set(stable) & set(canary))
    said = (
        judge(each, stable[each], canary[each], limits) for judge in (_failing, _gaping, _drifting) for each in both
    )
    return (
        _restarted(stable, canary, limits)
        or next((each for each in said if each), None)
        or _slow(stable, canary, limits)
    )


def _restarted(stable: Chain, canary: Chain, limits: Limits) -> str | None:
    """Compare how often processes ended that should not have."""
    here, there = (sum(each.restarts for each in chain.values()) for chain in (canary, stable))
    if here < limits.restarts or here <= there:
        return None
    return f"Containers of the canary were started again {here} times, of the stable chain {there} times."


def _failing(step: str, stable: Counted, canary: Counted, limits: Limits) -> str | None:
    """Compare errors."""
    if canary.requests < limits.requests or not stable.requests:
        return None
    if canary.error_rate - stable.error_rate <= limits.errors or _chance(stable, canary) > CHANCE:
        return None
    return (
        f"{canary.errors} of {canary.requests} requests to {step} failed in the canary, "
        f"{stable.errors} of {stable.requests} in the stable chain."
    )


def _slow(stable: Chain, canary: Chain, limits: Limits) -> str | None:
    """Compare mean times, those of all steps together, once each step has had enough requests."""
    few = any(each.requests < limits.requests for each in canary.values())
    if few or set(stable) != set(canary) or not all(each.requests for each in stable.values()):
        return None
    here, there = (sum(each.mean for each in chain.values()) for chain in (canary, stable))
    # A slow request may be slow in every step, so their doubts are added up and not their squares.
    doubts = (sum(each.deviation for each in chain.values()) for chain in (canary, stable))
    doubt = math.hypot(next(doubts), limits.latency * next(doubts))
    if not there or here - limits.latency * there <= SIGMAS * doubt:
        return None
    return f"A request takes {1000 * here:.1f} ms in the canary, {1000 * there:.1f} ms in the stable chain."


def _gaping(_step: str, stable: Counted, canary: Counted, limits: Limits) -> str | None:
    """Compare how often each input was missing; one that the stable chain does not take is never missing there."""
    if limits.missing is None or min(stable.rows, canary.rows) < limits.requests:
        return None
    for column, gaps in sorted(canary.missing.items(), key=lambda each: -each[1]):
        here, there = (Counted(each.rows, each.missing.get(column, 0)) for each in (canary, stable))
        if here.error_rate - there.error_rate <= limits.missing:
            continue
        if _chance(there, here) <= CHANCE / len(canary.missing):
            return (
                f"{column} was missing in {gaps} of {here.requests} rows of the canary, "
                f"in {there.errors} of {there.requests} of the stable chain."
            )
    return None


def _drifting(_step: str, stable: Counted, canary: Counted, limits: Limits) -> str | None:
    """Compare median forecasts by the width of the middle half of the stable chain's, where it has any."""
    here, there = canary.forecasts, stable.forecasts
    if limits.drift is None or here is None or there is None or min(here.rows, there.rows) < limits.requests:
        return None
    width = there.upper - there.lower
    apart = abs(here.median - there.median)
    doubt = MEDIAN * math.hypot((here.upper - here.lower) / math.sqrt(here.rows), width / math.sqrt(there.rows))
    if not width or apart - limits.drift * width <= SIGMAS * doubt:
        return None
    return (
        f"The median forecast of {here.rows} rows is {here.median:.4g} in the canary, of {there.rows} rows "
        f"{there.median:.4g} in the stable chain, where half of all values lie within {width:.4g}: "
        f"{apart / width:.1f} of that apart."
    )


def _chance(stable: Counted, canary: Counted) -> float:
    """How likely the canary got as many of all errors, or more, were each as likely to meet any request.

    The upper tail of a binomial distribution, from the canary's errors on: they are more than their share, so its terms
    only fall.
    """
    errors = stable.errors + canary.errors
    share = canary.requests / (stable.requests + canary.requests)
    term = math.exp(
        math.lgamma(errors + 1)
        - math.lgamma(canary.errors + 1)
        - math.lgamma(stable.errors + 1)
        + canary.errors * math.log(share)
        + stable.errors * math.log1p(-share)
    )
    total, first = 0.0, term
    for count in range(canary.errors, errors + 1):
        total += term
        term *= (errors - count) / (count + 1) * share / (1 - share)
        if term < _NOTHING * first:
            break
    return total
