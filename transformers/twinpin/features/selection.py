"""Selection: which part of an entity's row answers for the time asked for, or why none does.

The time of a row is that of its windows: lag 0 of every window stands at one moment, the row's `as_of`. With "now" that
is the newest moment that all views with windows reach, so asking again for the time `as_of` gives the same features. A
view without windows (the altitude of a station) must have been known at that time and be younger than its own ttl;
in a service without any window those views carry the time, and only "now" can be asked for.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from twinpin.features.rows import Rows
from twinpin.features.service import Service
from twinpin.features.values import Feature, Value
from twinpin.features.window import SECOND, Status, cut, is_after, iso, values_after
from twinpin.step.block import Block
from twinpin.step.step import Tensors


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an entity has no features: a status for programs, and what the store holds for people."""

    status: Status
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """The features of one entity, all known at *as_of* (microseconds since 1970 UTC)."""

    as_of: int
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Whole:
    """The features of all entities of a request, in its order, each known at its *as_of* (microseconds since 1970)."""

    as_of: Sequence[int]
    #: [n, W] for a window, [n] for a scalar.
    tensors: Tensors


@dataclass(frozen=True, slots=True)
class Cut:
    """Where rows of one time are cut: view -> its newest values that are left out, and the *as_of* of the rest."""

    after: Mapping[str, int]
    as_of: int


@dataclass(frozen=True)
class Selection:
    """Cuts rows at one moment (microseconds; None: now), to windows of one length (None: all there is)."""

    service: Service
    moment: int | None
    length: int | None
    #: Microseconds between two values of a window.
    resolution: int
    #: Microseconds; None: each view's own ttl.
    max_age: int | None

    def row(self, rows: Rows, index: int) -> Row | Refusal:
        """Cut the row of one entity."""
        times = {view: times[index] for view, times in rows.times.items()}
        cutting = self._cut(times)
        if isinstance(cutting, Refusal):
            return cutting
        values: dict[str, Value] = {}
        for feature in self.service.features:
            value = rows.values[feature.name][index]
            after = cutting.after.get(feature.view, 0)
            used = cut(value, after, self.length) if isinstance(value, np.ndarray) else value
            if used is None and not feature.has_nan:
                return self._unusable(feature, value, times.get(feature.view, min(times.values())))
            values[feature.name] = used
        if not self._windows and all(value is None for value in values.values()):
            return Refusal(Status.NULL, f"all its features are null in the row of {iso(cutting.as_of)}")
        return Row(cutting.as_of, values)

    def all(self, rows: Rows) -> Whole | None:
        """Cut the rows of all entities at once, where all are cut alike and nothing is null; else None."""
        moments = list(zip(*rows.times.values(), strict=True))
        cuts: dict[tuple[int, ...], Cut] = {}
        for moment in set(moments):
            cutting = self._cut(dict(zip(rows.times, moment, strict=True)))
            if isinstance(cutting, Refusal):
                return None
            cuts[moment] = cutting
        after, *others = [each.after for each in cuts.values()]
        tensors = None if any(each != after for each in others) else self._tensors(rows, after)
        return None if tensors is None else Whole([cuts[moment].as_of for moment in moments], tensors)

    def age(self, as_of: Sequence[int]) -> float:
        """Tell how old the oldest of rows known at *as_of* was at the time asked for, in seconds; at least 0."""
        return max(0.0, (self._now - min(as_of)) / SECOND)

    def _cut(self, times: Mapping[str, int]) -> Cut | Refusal:
        """Decide where rows of these times are cut, or why they are not used."""
        refusal = self._unknown(times) or self._untimely(times)
        if refusal:
            return refusal
        origin = min(times[view] for view in self._timed)
        after = {view: self._after(times[view], origin) for view in self._timed}
        return Cut(after, min(times[view] - after[view] * self.resolution for view in self._timed))

    def _tensors(self, rows: Rows, after: Mapping[str, int]) -> Tensors | None:
        """Cut every feature of all entities; None where one cannot be cut so."""
        if isinstance(rows.values, Block):  # scalars, of which there is one value of each
            return rows.values
        tensors: Tensors = {}
        for feature in self.service.features:
            tensor = self._tensor(feature, rows.values[feature.name], after.get(feature.view, 0))
            if tensor is None:
                return None
            tensors[feature.name] = tensor
        return tensors

    def _tensor(self, feature: Feature, values: Sequence[Value] | np.ndarray, after: int) -> np.ndarray | None:
        """Cut one feature of all entities; None where a value is null, or a window too short."""
        if not isinstance(values, np.ndarray) or not feature.is_window:
            return values if isinstance(values, np.ndarray) else None
        end = values.shape[1] - after
        if end < (self.length or 1):
            return None
        return values[:, end - self.length if self.length else 0 : end]

    @property
    def _windows(self) -> frozenset[str]:
        """Views that hold windows and have a time of their own."""
        return self.service.windows

    @property
    def _timed(self) -> frozenset[str]:
        """Views that carry the time of a row."""
        return self.service.windows or self.service.stored

    def _unknown(self, times: Mapping[str, int]) -> Refusal | None:
        """Refuse an entity that a view has no row of: event time 0, whatever status the store reports."""
        absent = sorted(view for view, moment in times.items() if moment <= 0)
        if not absent:
            return None
        where = "" if len(absent) == len(times) else f" in {', '.join(absent)}"
        return Refusal(Status.UNKNOWN, f"the store holds no row of it{where}")

    def _untimely(self, times: Mapping[str, int]) -> Refusal | None:
        """Refuse rows that are too old, or too new, for the moment."""
        for view, newest in times.items():
            if view in self._windows and self.moment is not None:
                if is_after(newest, self.moment, self.resolution):
                    return Refusal(Status.AFTER_NEWEST, f"its newest row is of {iso(newest)}")
                continue  # A cut window is exact, so its age is that of the question.
            if self.moment is not None and newest > self.moment:
                return Refusal(Status.BEFORE_WINDOW, f"its only row of {view} is of {iso(newest)}, after that time")
            limit = self._limit(view)
            if limit and self._now - newest > limit:
                age = _duration(limit)
                return Refusal(Status.STALE, f"its newest row is of {iso(newest)}, older than the limit of {age}")
        return None

    @cached_property
    def _now(self) -> int:
        """The moment, or the clock's."""
        return time.time_ns() // 1000 if self.moment is None else self.moment

    def _limit(self, view: str) -> int:
        """How old a view's row may be; 0: any age."""
        if self.max_age is not None and view in self._timed:
            return self.max_age
        return self.service.ttls.get(view, 0)

    def _after(self, newest: int, origin: int) -> int:
        """Count the newest values of a window that must not be used."""
        if self.moment is None:  # Views may be filled some minutes apart: less than one step is no difference.
            return (newest - origin) // self.resolution
        return values_after(newest, self.moment, self.resolution)

    def _unusable(self, feature: Feature, value: Value, newest: int) -> Refusal:
        """Say why a value cannot be used: it is null, or its window does not reach the moment."""
        if not isinstance(value, np.ndarray) or not value.size:
            return Refusal(Status.NULL, f"{feature.name} is null in its row of {iso(newest)}")
        first = newest - (len(value) - 1) * self.resolution
        wanted = f", and {self.length} up to the time asked for are wanted" if self.length else ""
        held = f"{len(value)} values of {feature.name} from {iso(first)} to {iso(newest)}"
        return Refusal(Status.BEFORE_WINDOW, f"the store holds {held}{wanted}")


def _duration(microseconds: int) -> str:
    """Write an age limit as people say it: 3 h, 90 s."""
    seconds = microseconds / SECOND
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
