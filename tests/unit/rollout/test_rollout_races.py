"""Races that need one bad moment: each is played out, and is lost without the guard that is there for it."""

import pytest
from rollout_cluster import DRAIN, Flaws, Lost, World
from rollout_machine import Controller, settle


class Stage:
    """A world that went from pair 1 to pair 2, with nothing kept but what drains, and two controllers."""

    def __init__(self, fronts=("routers",), **flaws):
        self.world = World(Flaws(**flaws), fronts)
        self.world.spec = self.world.spec.model_copy(update={"keep": 0})
        self.one, self.two = Controller(self.world), Controller(self.world)
        settle(self.world, [self.one])
        self.alias(2)
        self.rounds(self.one, 20)

    def alias(self, pair):
        """Move the alias."""
        self.world.alias = [pair, pair]

    def rounds(self, controller, number):
        """Let a controller and the cluster run, but no time pass."""
        for _ in range(number):
            controller.round()
            self.cluster()

    def cluster(self):
        """Let the cluster run."""
        for process in ("kserve", "deployments", "replicasets", "kubelet", "step_pods"):
            getattr(self.world, process)()

    def ask(self):
        """Ask every router once."""
        for router in self.world.routers():
            self.world.begin(router, 0)
            self.world.finish(self.world.requests[-1])


def late_switch(stage):
    """One decides to go back to pair 1 and falls asleep; the other removes pair 1 meanwhile."""
    stage.alias(1)
    stage.two.until("point")
    stage.alias(2)
    stage.world.sleep(DRAIN)
    stage.rounds(stage.one, 6)
    stage.rounds(stage.two, 1)
    for _ in range(4):
        stage.cluster()


def old_record(stage):
    """One reads the record and falls asleep; the other puts pair 1 on record as going and is about to remove it."""
    stage.alias(1)
    stage.two.until("point")
    stage.two.crash()
    stage.two.call()
    stage.two.call()
    stage.alias(2)
    stage.world.sleep(DRAIN)
    stage.one.until("delete")
    stage.alias(1)
    stage.rounds(stage.two, 1)
    for _ in range(4):
        stage.cluster()
    stage.rounds(stage.one, 1)
    for _ in range(4):
        stage.cluster()


def late_removal(stage):
    """One is about to remove pair 1 and falls asleep; the other removes it, makes it anew and goes back to it."""
    stage.world.sleep(DRAIN)
    stage.one.until("delete")
    stage.rounds(stage.two, 6)
    stage.alias(1)
    stage.rounds(stage.two, 20)
    stage.rounds(stage.one, 1)
    for _ in range(4):
        stage.cluster()


RACES = [
    (late_switch, "no_fence"),
    (late_switch, "blind_writes"),
    (old_record, "record_first"),
    (late_removal, "no_uid"),
]


@pytest.mark.parametrize("fronts", [("routers",), ("gateways",), ("routers", "gateways")], ids="+".join)
@pytest.mark.parametrize("race", [late_switch, old_record, late_removal])
def test_no_request_is_lost_to_a_controller_that_acts_late(race, fronts):
    """Both controllers come to the same end, and every router is served."""
    stage = Stage(fronts)

    race(stage)

    stage.ask()
    settle(stage.world, [stage.one, stage.two])
    stage.ask()


@pytest.mark.parametrize(("race", "flaw"), RACES)
def test_without_its_guard_the_late_controller_loses_requests(race, flaw):
    """The same race without the guard leaves routers with a graph that leads nowhere."""
    stage = Stage(**{flaw: True})

    race(stage)

    with pytest.raises(Lost):
        stage.ask()


def test_a_gateway_is_not_lost_to_a_late_switch_even_without_the_fence():
    """Its pods ask their steps before they say that they are ready, so those with the graph before stay."""
    stage = Stage(("gateways",), no_fence=True)

    late_switch(stage)

    (fleet,) = stage.world.fleets
    assert fleet.front.stages[0].stable.startswith("p1-")
    stage.ask()


def test_a_drain_begins_when_it_was_seen_and_not_when_the_look_began():
    """A process whose pod object is gone keeps its rollout for as long as the drain says."""
    assert not _removed_early()
    assert _removed_early(clock_first=True)
    assert _removed_early(no_drain=True)


def _removed_early(**flaws):
    """Whether the rollout of a router that vanished is removed at once after a look that took long."""
    stage = Stage(**flaws)
    world = stage.world
    stage.alias(3)
    for _ in range(12):
        stage.one.round()
        world.step_pods()
    old = [router for router in world.routers() if router.graph[0].stable.startswith("p2-")]
    stage.two.call()
    world.sleep(10 * DRAIN)
    for _ in range(6):
        stage.cluster()
    for router in old:
        world.vanish(router)
    stage.rounds(stage.two, 8)
    return not any(name.startswith("p2-") for name in world.pins)
