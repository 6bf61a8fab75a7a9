"""The real controller runs in the model of a cluster, and its figures are read as Prometheus reads them."""

import time

import pytest
from rollout_watched import Watched

from twinpin.rollout.kube_api import ClusterFault
from twinpin.rollout.metrics import FAULTS
from twinpin.rollout.resource import Canary

A, B = "p1-m1-6b86b2", "p2-m2-d4735e"


@pytest.fixture
def watched():
    """A release in which A serves."""
    return Watched().settle()


def test_the_first_pair_is_shown(watched):
    """It serves, wholly, since a moment ago."""
    found = watched.figures()

    assert watched.pairs() == {"stable": (A, "1", "1")}
    assert found["rollout_phase", "Serving"] == 1
    assert sum(value for key, value in found.items() if key[0] == "rollout_phase") == 1
    assert found["rollout_condition", "Ready"] == 1
    assert found["rollout_alias_lag_seconds",] == 0
    assert found["rollout_canary_percent",] == 0
    assert found["registry_reachable",] == 1
    assert abs(found["rollout_since_timestamp_seconds", "stable"] - time.time()) < 60
    assert found["controller_lease_held",] == 1
    assert found["controller_last_look_timestamp_seconds",] == watched.now[0]
    assert found["controller_look_duration_seconds_count",] > 3


def test_a_promotion_is_one_switch_and_one_retirement(watched):
    """The pair before is not kept here."""
    before = watched.figures()
    after = watched.move(2).settle().figures()

    assert after["rollout_switches_total", "Switched"] == before["rollout_switches_total", "Switched"] + 1
    assert after["rollout_retirements_total",] == before["rollout_retirements_total",] + 1
    assert watched.pairs() == {"stable": (B, "2", "2")}


def test_a_pair_on_its_way_lags(watched):
    """From when it was seen behind the alias until requests reach it."""
    watched.move(2).round()
    watched.round()
    watched.now[0] += 100
    during = watched.figures()
    after = watched.settle().figures()

    assert 99 < during["rollout_alias_lag_seconds",] < 160
    assert during["rollout_since_timestamp_seconds", "candidate"] > 0
    assert after["rollout_alias_lag_seconds",] == 0


def test_a_rejected_pair_is_counted_by_its_reason_and_lags_on(watched):
    """The alias names it, and it will not serve by itself."""
    watched.world.character[2] = "wrong"
    watched.move(2).settle()
    watched.now[0] += 1000
    found = watched.figures()

    assert found["rollout_rejections_total", "WrongForecast"] == 1
    assert found["rollout_rejected_pairs", "WrongForecast"] == 1
    assert found["rollout_phase", "Rejected"] == 1
    assert found["rollout_alias_lag_seconds",] > 999
    assert watched.pairs() == {"stable": (A, "1", "1")}


def test_once_the_alias_is_back_nothing_is_rejected_now(watched):
    """The count stays."""
    watched.world.character[2] = "wrong"
    found = watched.move(2).settle().move(1).settle().figures()

    assert ("rollout_rejected_pairs", "WrongForecast") not in found
    assert found["rollout_rejections_total", "WrongForecast"] == 1
    assert found["rollout_alias_lag_seconds",] == 0


def test_a_canary_is_shown_with_its_share(watched):
    """It gets requests, so nothing lags."""
    watched.world.spec = watched.world.spec.model_copy(update={"canary": Canary(percent=10)})
    watched.move(2).settle()
    watched.now[0] += 1000
    found = watched.figures()

    assert found["rollout_canary_percent",] == 10
    assert watched.pairs() == {"stable": (A, "1", "1"), "candidate": (B, "2", "2")}
    assert found["rollout_switches_total", "CanaryStarted"] == 1
    assert found["rollout_alias_lag_seconds",] == 0


def test_a_registry_that_is_down_is_shown(watched):
    """What serves is shown all the same."""
    watched.world.reachable = False
    found = watched.settle().figures()

    assert found["registry_reachable",] == 0
    assert watched.pairs() == {"stable": (A, "1", "1")}


def test_a_graph_that_was_put_back_is_counted(watched):
    """Somebody pointed it elsewhere."""
    watched.move(2).settle()
    watched.world.graph.mark = "somebody"
    found = watched.settle().figures()

    assert found["rollout_switches_total", "PutBack"] == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_counted_by_their_kind(watched, fault):
    """Subclasses, such as those of PairError, by their family."""
    watched.pulse.failed(type("Special", (fault,), {})("it broke"))

    assert watched.figures()["controller_faults_total", FAULTS[fault]] == 1


def test_a_look_that_fails_leaves_the_last_figures(watched):
    """The time of the last good look tells that they are old."""

    async def broken():
        raise ClusterFault("Could not list pods.")

    watched.controller.cluster.rollouts = broken
    watched.now[0] += 60

    assert watched.round() is None
    found = watched.figures()
    assert found["controller_faults_total", "cluster"] == 1
    assert found["controller_last_look_timestamp_seconds",] == watched.now[0] - 60


def test_whoever_stands_by_shows_no_rollout(watched):
    """It would show an old one for ever."""
    watched.pulse.leads(held=False)
    found = watched.figures()

    assert found["controller_lease_held",] == 0
    assert watched.pairs() == {}
    assert ("rollout_switches_total", "Switched") in found
