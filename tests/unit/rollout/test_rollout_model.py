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
    stateful_step_count=12,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


class GoodPairs(Rollouts):
    """Every pair can serve."""


class AnyPairs(Rollouts):
    """Pairs may be ones that never get ready, that forecast wrong, or whose artifacts are broken."""

    characters = ("good", "never", "wrong", "broken")


def explore(machine, examples):
    """Play the machine through."""
    run_state_machine_as_test(machine, settings=settings(SETTINGS, max_examples=examples))


@pytest.mark.parametrize("machine", [GoodPairs, AnyPairs])
def test_no_interleaving_mixes_or_loses_a_request(machine):
    """Whatever the order of calls, crashes and accidents, each answer is one pair's and none is missing."""
    explore(machine, 60)


@pytest.mark.parametrize(
    ("flaws", "harm"),
    [
        (Flaws(shared_services=True), Lost),
        (Flaws(shared_services=True, no_stamp=True), Mixed),
        (Flaws(pods_ask_alias=True), Lost),
        (Flaws(pods_ask_alias=True, no_stamp=True), Mixed),
        (Flaws(two_writes=True), Lost),
        (Flaws(two_writes=True, no_stamp=True), Mixed),
        (Flaws(blind_to_readiness=True), Lost),
        (Flaws(blind_to_routers=True), Lost),
    ],
    ids=lambda each: "+".join(name for name in vars(Flaws()) if getattr(each, name)) if isinstance(each, Flaws) else "",
)
def test_what_is_broken_on_purpose_is_found(flaws, harm):
    """Without one of the rules, the same exploration meets a mixed or a lost request."""
    broken = type("Broken", (Rollouts,), {"flaws": flaws})

    with pytest.raises(harm):
        explore(broken, 200)
