"""The model of docs/rollout-model.md: nothing mixes and nothing is lost, and whatever is broken on purpose is found."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from rollout_cluster import Flaws, Lost, Mixed
from rollout_machine import Rollouts

SETTINGS = settings(
    derandomize=True,
    database=None,
    deadline=None,
    stateful_step_count=60,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


class GoodPairs(Rollouts):
    """Every pair can serve."""


class AnyPairs(Rollouts):
    """Pairs may be ones that never get ready, that forecast wrong, or whose artifacts are broken."""

    characters = ("good", "never", "wrong", "broken")


@pytest.mark.parametrize("machine", [GoodPairs, AnyPairs])
def test_no_interleaving_mixes_or_loses_a_request(machine):
    """Whatever the order of calls, crashes and accidents, each answer is one pair's and none is missing."""
    run_state_machine_as_test(machine, settings=settings(SETTINGS, max_examples=60))
