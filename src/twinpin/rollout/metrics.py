"""Metrics: what the controller counts, and its last look as figures for Prometheus."""

import datetime as dt
import time
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import Metric

from twinpin.pair.errors import PairError
from twinpin.rollout.actions import Retire, Step, Switch
from twinpin.rollout.cluster import Conflict, Unanswered
from twinpin.rollout.figures import families, figures
from twinpin.rollout.kube_api import ClusterFault
from twinpin.rollout.snapshot import Snapshot
from twinpin.rollout.telling import SWITCHES, of_switch
from twinpin.rollout.template import BadTemplate

# A look takes some dozen requests to the API server and three to the registry.
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

#: Faults that end a round, as the label `kind` names them.
FAULTS: dict[type[Exception], str] = {
    Conflict: "conflict",
    PairError: "pair",
    ClusterFault: "cluster",
    Unanswered: "probe",
    BadTemplate: "template",
}

#: What may become of a delivery, as the label `outcome` names it.
OUTCOMES = ("accepted", "ignored", "repeated", "unsigned", "wrong", "stale", "malformed", "too_large", "slow", "off")


class Metrics:
    """The figures of one controller, in a registry of their own: those of the servers mean nothing here."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.registry = CollectorRegistry()
        self._clock = clock
        self._seen: Snapshot | None = None
        self._rejected: set[tuple[str, dt.datetime]] = set()
        self._held = Gauge("twinpin_controller_lease_held", "1 while this controller works.", registry=self.registry)
        self._last = Gauge(
            "twinpin_controller_last_look_timestamp_seconds",
            "Time of the last look that saw everything.",
            registry=self.registry,
        )
        self._looks = Histogram(
            "twinpin_controller_look_duration_seconds", "Time of a look.", buckets=_SECONDS, registry=self.registry
        )
        self._retirements = Counter(
            "twinpin_rollout_retirements_total", "Rollouts that were removed.", registry=self.registry
        )
        self._faults = self._counter("twinpin_controller_faults_total", "Rounds that a fault ended.", "kind")
        self._switches = self._counter("twinpin_rollout_switches_total", "Writes of a front.", "reason")
        self._rejections = self._counter("twinpin_rollout_rejections_total", "Pairs that were left alone.", "reason")
        self._deliveries = self._counter("twinpin_webhook_deliveries_total", "Webhooks that came in.", "outcome")
        self._begin()

    def leads(self, held: bool) -> None:
        """Hear whether this controller works; one that stands by knows nothing of the rollout."""
        self._held.set(held)
        if not held:
            self._seen = None

    def looked(self, seen: Snapshot, seconds: float) -> None:
        """Take a look's figures, and count the pairs that were rejected since the one before."""
        self._last.set(self._clock())
        self._looks.observe(seconds)
        rejected = {(each.pair, each.at): each.reason for each in seen.status.rejected}
        if self._seen is not None:
            for key in rejected.keys() - self._rejected:
                self._rejections.labels(rejected[key]).inc()
        self._seen, self._rejected = seen, set(rejected)

    def did(self, step: Step) -> None:
        """Count an action that was carried out."""
        if isinstance(step, Switch):
            self._switches.labels(of_switch(step).reason).inc()
        elif isinstance(step, Retire):
            self._retirements.inc()

    def failed(self, error: Exception) -> None:
        """Count a fault that ended a round."""
        self._faults.labels(next(kind for fault, kind in FAULTS.items() if isinstance(error, fault))).inc()

    def delivered(self, outcome: str) -> None:
        """Count a delivery of MLflow's."""
        self._deliveries.labels(outcome).inc()

    def collect(self) -> Iterable[Metric]:
        """Make the figures of the last look, as of now."""
        if self._seen is None:
            return []
        return figures(self._seen, dt.datetime.fromtimestamp(self._clock(), dt.UTC))

    def describe(self) -> Iterable[Metric]:
        """Name them."""
        return families().values()

    def _counter(self, name: str, help: str, label: str) -> Counter:  # noqa: A002 -- prometheus_client's own word
        """Make a counter with one label."""
        return Counter(name, help, [label], registry=self.registry)

    def _begin(self) -> None:
        """Show what has not happened yet as 0, so that the first time is an increase."""
        for outcome in OUTCOMES:
            self._deliveries.labels(outcome)
        for kind in FAULTS.values():
            self._faults.labels(kind)
        for reason in SWITCHES:
            self._switches.labels(reason)
        self.registry.register(self)
        ProcessCollector(registry=self.registry)
