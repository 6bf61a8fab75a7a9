"""Observed: what a pair was given lately and what it forecast, summed up for the metrics at each scrape.

A request is looked at no more often than every *interval*, so that this costs a busy server as little as an idle one,
and so that two pairs that get different shares of the requests are seen over the same stretch of time.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

import numpy as np
from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

#: The column that is the forecast itself; an input of that name is not shown.
FORECAST = "forecast"
#: Rows that mean and quantiles are over at most: eight minutes of requests for one row.
RING = 1024
#: Seconds after which a row is of the past.
AGE = 600.0
#: Rows of one request that are looked at, spread over all of them.
ROWS = 4
#: Values of one row's horizon that are looked at, spread over all of it.
WIDTH = 32
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

_PAIR, _COLUMN = "pair", "column"


@dataclass(frozen=True, slots=True)
class Figures:
    """The summary at one moment; each array has one entry for each column."""

    seen: int
    missing: np.ndarray
    #: Rows of the last minutes in which the value was there; where that is 0, what follows is NaN.
    recent: np.ndarray
    mean: np.ndarray
    #: `[quantiles, columns]`.
    quantiles: np.ndarray


class Observed:
    """The newest rows of some columns of one pair; a column has one value in a row, or *width* of them.

    Any thread may look and sum up. *interval* in seconds, 0: each request.
    """

    def __init__(
        self,
        pair: str,
        columns: Sequence[str],
        width: int = 1,
        *,
        interval: float = 0.5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.pair = pair
        self.columns = tuple(columns)
        self._picked = np.unique(np.linspace(0, width - 1, min(width, WIDTH)).astype(int))
        self._ring = np.full((RING, len(self.columns), len(self._picked)), np.nan)
        self._at = np.full(RING, -np.inf)
        self._seen = 0
        self._missing = np.zeros(len(self.columns), dtype=np.int64)
        self._interval = interval
        self._clock = clock
        self._next = -np.inf
        self._lock = threading.Lock()

    @property
    def due(self) -> bool:
        """Whether it is time to look at a request again."""
        return self._clock() >= self._next

    def look(self, rows: np.ndarray) -> None:
        """Look at some of *rows*, `[n, columns]` or `[n, columns, width]`; what is not finite is missing."""
        some = rows[:: -(-len(rows) // ROWS)]
        values = some.reshape(len(some), len(self.columns), -1)[:, :, self._picked].astype(float)
        values[~np.isfinite(values)] = np.nan
        missing = np.isnan(values).any(axis=2).sum(axis=0)
        now = self._clock()
        with self._lock:
            places = np.arange(self._seen, self._seen + len(values)) % RING
            self._ring[places], self._at[places] = values, now
            self._seen += len(values)
            self._missing += missing
            self._next = now + self._interval

    def figures(self) -> Figures:
        """Sum up."""
        with self._lock:
            rows = self._ring[self._at > self._clock() - AGE]
            seen, missing = self._seen, self._missing.copy()
        recent = len(rows) - np.isnan(rows).any(axis=2).sum(axis=0)
        ordered = np.sort(rows.transpose(1, 0, 2).reshape(len(self.columns), -1), axis=1)  # NaN comes last
        there = (~np.isnan(ordered)).sum(axis=1)
        totals = np.nansum(ordered, axis=1)
        mean = np.divide(totals, there, out=np.full(len(there), np.nan), where=there > 0)
        return Figures(seen, missing, recent, mean, _quantiles(ordered, there))


def _quantiles(ordered: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Read the quantiles of sorted rows of which the first so many are *there*, linear between two values."""
    found = np.full((len(QUANTILES), len(ordered)), np.nan)
    (some,) = np.nonzero(there)
    places = np.outer(QUANTILES, there[some] - 1)
    low, high = np.floor(places).astype(int), np.ceil(places).astype(int)
    below, above = ordered[some, low], ordered[some, high]
    found[:, some] = below + (above - below) * (places - low)
    return found


class Observations:
    """All that is observed in this process, as metrics; a pair that is loaded anew begins anew.

    It holds nobody: what was made for a pair that then could not be loaded whole goes with it.
    """

    def __init__(self) -> None:
        self._all: WeakValueDictionary[tuple[str, tuple[str, ...]], Observed] = WeakValueDictionary()

    def add(self, observed: Observed) -> None:
        """Show it from now on."""
        self._all[observed.pair, observed.columns] = observed

    def remove(self, observed: Observed) -> None:
        """Show it no more, unless another one has taken its place."""
        key = (observed.pair, observed.columns)
        if self._all.get(key) is observed:
            del self._all[key]

    def collect(self) -> Iterable[Metric]:
        """Sum up what there is."""
        families = _families()
        for each in [*self._all.values()]:
            _fill(families, each, each.figures())
        return [family for family in families if family.samples]

    def describe(self) -> Iterable[Metric]:
        """Name the metrics."""
        return _families()


Families = tuple[CounterMetricFamily, CounterMetricFamily, GaugeMetricFamily, GaugeMetricFamily, GaugeMetricFamily]


def _families() -> Families:
    """Make them, empty."""
    labels = (_PAIR, _COLUMN)
    return (
        CounterMetricFamily("twinpin_observed_values", "Rows that were looked at.", labels=labels),
        CounterMetricFamily("twinpin_observed_missing", "Rows whose value was missing.", labels=labels),
        GaugeMetricFamily("twinpin_observed_recent", "Rows that mean and quantiles are over.", labels=labels),
        GaugeMetricFamily("twinpin_observed_mean", "Mean of the last minutes.", labels=labels),
        GaugeMetricFamily(
            "twinpin_observed_quantile", "Quantile of the last minutes.", labels=(_PAIR, _COLUMN, "quantile")
        ),
    )


def _fill(families: Families, observed: Observed, figures: Figures) -> None:
    """Put one pair's figures into them; what no row says anything of has no mean."""
    values, missing, recent, mean, quantile = families
    for place, column in enumerate(observed.columns):
        labels = [observed.pair, column]
        values.add_metric(labels, figures.seen)
        missing.add_metric(labels, float(figures.missing[place]))
        recent.add_metric(labels, float(figures.recent[place]))
        if figures.recent[place]:
            mean.add_metric(labels, float(figures.mean[place]))
            for share, value in zip(QUANTILES, figures.quantiles[:, place], strict=True):
                quantile.add_metric([*labels, str(share)], float(value))


OBSERVATIONS = Observations()
REGISTRY.register(OBSERVATIONS)
