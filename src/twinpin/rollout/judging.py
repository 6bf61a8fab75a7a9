"""Judging: which rollouts are watched, what they did since a mark, and whether a canary should end for it.

Pods count from their start and forget when they end, so what is compared are differences, pod by pod. A canary is
judged twice: by all that it did, which finds small faults, and by what it did lately, which finds late ones.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from twinpin.rollout.resource import Count, Forecasts, Limits, Mark, Resource, Status, Watch
from twinpin.rollout.snapshot import Snapshot
from twinpin.rollout.verdict import Chain, Counted, verdict

#: How far "lately" goes back at least, and until the canary has had enough requests.
LATELY = dt.timedelta(minutes=5)


def watched(resource: Resource) -> tuple[str, str] | None:
    """Name the stable rollout and the canary while the latter has a share and limits; None where nothing is judged."""
    status, canary = resource.status, resource.spec.canary
    if canary is None or canary.abort is None or not status.percent or status.stable is None:
        return None
    if status.candidate is None or status.candidate.rollout is None:
        return None
    return status.stable.rollout, status.candidate.rollout


def watching(seen: Snapshot, status: Status) -> Watch | None:
    """Say since when figures count: set the first mark, and move the second one on when enough has passed."""
    if seen.figures is None or not (names := watched(seen.resource.model_copy(update={"status": status}))):
        return None
    mark, old = Mark(at=seen.now, counts=_kept(seen)), status.watch
    if old is None or (old.stable, old.canary) != names:
        return Watch(stable=names[0], canary=names[1], marks=(mark,))
    due = seen.now - old.marks[-1].at >= LATELY
    if due and enough(seen, done(old.canary, old.marks[-1], seen.figures)):
        return old.model_copy(update={"marks": (old.marks[0], mark)})
    return old


def judged(seen: Snapshot) -> str | None:
    """Say why the canary should end; None where it need not."""
    watch = seen.status.watch
    if watch is None or seen.figures is None:
        return None
    for mark in watch.marks:
        stable, canary = (done(each, mark, seen.figures) for each in (watch.stable, watch.canary))
        if said := verdict(stable, canary, _limits(seen)):
            return said
    return None


def enough(seen: Snapshot, chain: Chain) -> bool:
    """Whether a chain has had as many requests as a verdict needs."""
    return max((each.requests for each in chain.values()), default=0) >= _limits(seen).requests


def silent(figures: Iterable[Count]) -> list[str]:
    """Name the pods that take requests and did not say what they did."""
    return sorted(each.pod for each in figures if each.silent)


def unobserved(seen: Snapshot, figures: Iterable[Count]) -> bool:
    """Whether there is a limit on inputs or forecasts, and nobody sums them up."""
    limits = _limits(seen)
    wanted = limits.drift is not None or limits.missing is not None
    return wanted and not any(each.rows or each.forecasts for each in figures)


def done(rollout: str, mark: Mark, figures: Sequence[Count]) -> Chain:
    """Sum up what each step of a chain did since a mark, in the pods of which that is known."""
    before = {each.pod: each for each in mark.counts}
    own = [each for each in figures if each.rollout == rollout]
    return {
        step: _sum([each for each in own if each.step == step], before, mark) for step in {each.step for each in own}
    }


def _sum(pods: Sequence[Count], before: Mapping[str, Count], mark: Mark) -> Counted:
    """Add up the pods of one step."""
    gained = [each for now in pods if (each := _gained(now, before.get(now.pod), mark.at)) is not None]
    return Counted(
        requests=sum(each.requests for each in gained),
        errors=sum(each.errors for each in gained),
        seconds=sum(each.seconds for each in gained),
        squares=sum(each.squares for each in gained),
        rows=sum(each.rows for each in gained),
        missing=sum((Counter(each.missing) for each in gained), Counter[str]()),
        forecasts=_together([each.forecasts for each in pods if each.forecasts]),
        restarts=sum(max(0, each.restarts - _restarts(before.get(each.pod))) for each in pods),
    )


def _gained(now: Count, then: Count | None, at: dt.datetime) -> Count | None:
    """What a pod counted since a mark; None where that cannot be told."""
    if now.started is None:
        return None
    if then is not None and then.started == now.started:
        words = ("requests", "errors", "seconds", "squares", "rows")
        less = {word: getattr(now, word) - getattr(then, word) for word in words}
        return now.model_copy(update={**less, "missing": Counter(now.missing) - Counter(then.missing)})
    # A process that began after the mark began at nothing.
    return now if now.started >= at.timestamp() else None


def _together(forecasts: Sequence[Forecasts]) -> Forecasts | None:
    """Put pods together: all get the same mixture of requests, so their quartiles are averaged, by rows."""
    rows = sum(each.rows for each in forecasts)
    if not rows:
        return None
    lower, median, upper = (
        sum(getattr(each, word) * each.rows for each in forecasts) / rows for word in ("lower", "median", "upper")
    )
    return Forecasts(rows=rows, lower=lower, median=median, upper=upper)


def _kept(seen: Snapshot) -> tuple[Count, ...]:
    """What a mark needs of the figures: no more than is judged, since it lies in the record."""
    less: dict[str, object] = {"forecasts": None}
    if _limits(seen).missing is None:
        less |= {"rows": 0, "missing": {}}
    return tuple(each.model_copy(update=less) for each in seen.figures or ())


def _restarts(then: Count | None) -> int:
    """How often a pod's containers had been started again at a mark."""
    return then.restarts if then else 0


def _limits(seen: Snapshot) -> Limits:
    """What a person allows."""
    canary = seen.spec.canary
    return (canary.abort if canary else None) or Limits()
