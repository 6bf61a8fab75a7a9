"""The model of docs/rollout-model.md: nothing mixes and nothing is lost, and whatever is broken on purpose is found."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from rollout_cluster import Flaws, Lost, Mixed, World
from rollout_machine import LIMITS, Controller, Rollouts, settle

from twinpin.rollout.resource import Canary

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
    """Pairs may never get ready, forecast wrong, have a broken artifact, fail requests, or lack an input."""

    characters = ("good", "never", "wrong", "broken", "faulty", "gaping")


class DirectPairs(AnyPairs):
    """Gateways run the graph themselves, and there is no router."""

    fronts = ("gateways",)


class BothFronts(AnyPairs):
    """Gateways run the graph themselves, and others call the routers."""

    fronts = ("routers", "gateways")


def explore(machine, examples):
    """Play the machine through."""
    run_state_machine_as_test(machine, settings=settings(SETTINGS, max_examples=examples))


@pytest.mark.parametrize("machine", [GoodPairs, AnyPairs, DirectPairs, BothFronts])
def test_no_interleaving_mixes_or_loses_a_request(machine):
    """Whatever the order of calls, crashes and accidents, each answer is one pair's and none is missing."""
    explore(machine, 60)


class CanaryRun:
    """Pair 1 serves and pair 2 gets a tenth of the requests, with limits; two controllers take turns."""

    def __init__(self, character):
        self.world = World()
        self.controllers = [Controller(self.world), Controller(self.world)]
        settle(self.world, self.controllers[:1])
        self.world.character[2] = character
        self.world.spec = self.world.spec.model_copy(update={"canary": Canary(percent=10, abort=LIMITS)})
        self.world.record_version += 1
        self.world.alias = [2, 2]

    def run(self, rounds):
        """Let everything run, with requests to every router at every turn."""
        for number in range(rounds):
            self.controllers[number % 2].round()
            for process in ("kserve", "deployments", "replicasets", "kubelet", "step_pods"):
                getattr(self.world, process)()
            for router in self.world.routers():
                for share in range(0, 100, 5):
                    self.world.begin(router, share)
                    self.world.finish(self.world.requests[-1])
            self.world.sleep(5)

    @property
    def served(self):
        """The pairs that answered since this was asked last."""
        found = set(self.world.answers)
        self.world.answers.clear()
        return found


@pytest.mark.parametrize("character", ["faulty", "gaping", "elsewhere"])
def test_a_bad_canary_is_ended_and_left_alone(character):
    """By its figures, within its share; and it does not come back."""
    stage = CanaryRun(character)

    stage.run(60)
    before = stage.served
    stage.run(60)

    (rejection,) = stage.world.status["rejected"]
    assert (rejection["pair"].partition("-")[0], rejection["reason"], rejection["count"]) == ("p2", "Judged", 1)
    assert (before, stage.served) == ({1, 2}, {1})
    settle(stage.world, stage.controllers)


def test_a_good_canary_keeps_its_share():
    """However long it is judged."""
    stage = CanaryRun("good")

    stage.run(150)

    assert stage.world.status["phase"] == "Canary"
    assert len(stage.world.status["watch"]["marks"]) == 2
    assert stage.served == {1, 2}


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


@pytest.mark.parametrize("flaws", [Flaws(two_writes=True), Flaws(blind_to_routers=True)], ids=["writes", "blind"])
def test_what_is_broken_on_purpose_is_found_in_gateways_too(flaws):
    """A gateway that asks its steps how they are is not safe by that alone."""
    broken = type("Broken", (Rollouts,), {"flaws": flaws, "fronts": ("gateways",)})

    with pytest.raises(Lost):
        explore(broken, 200)
