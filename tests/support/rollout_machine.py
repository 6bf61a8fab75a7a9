"""The state machine: promoters, controllers, autoscalers, routers, requests and accidents, in any order."""

import random

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from rollout_cluster import Flaws, ModelCluster, ModelPairs, World
from rollout_fleet import Gateways

from twinpin.pair.errors import PairError
from twinpin.rollout.actions import Wait
from twinpin.rollout.cluster import Conflict, Unanswered
from twinpin.rollout.decide import decide
from twinpin.rollout.observe import observe
from twinpin.rollout.perform import perform
from twinpin.rollout.resource import Canary, Limits
from twinpin.rollout.snapshot import Route


class Controller:
    """One controller, driven call by call; it remembers nothing from one look to the next."""

    def __init__(self, world):
        self.world = world
        self.running = None
        self.waits = None
        #: The write that comes next, if one does.
        self.before = None
        #: How many things happen before it goes on.
        self.stalled = 0

    def _clock(self):
        """The time; one flaw takes it before the look."""
        return self.began if self.world.flaws.clock_first else self.world.now

    async def _reconcile(self):
        """Look, decide, act: the loop of the real one, less its waiting."""
        cluster, pairs = ModelCluster(self.world), ModelPairs(self.world)
        self.began = self.world.now
        seen = await observe(cluster, pairs, self._clock)
        step = decide(seen)
        self.waits = step if isinstance(step, Wait) else None
        if not isinstance(step, Wait):
            await perform(step, seen, cluster, pairs)

    def call(self):
        """Let it make its next call; True when it has come to the end of a round."""
        if self.running is None:
            self.running = self._reconcile()
        try:
            self.before = self.running.send(None)
        except StopIteration:
            self.running = None
        except (Conflict, Unanswered, PairError):
            self.running = None
            self.waits = None
        return self.running is None

    def round(self):
        """Let it run to the end of its round."""
        while not self.call():
            pass

    def until(self, write):
        """Let it run until it is about to make a certain write."""
        for _ in range(200):
            if self.running is not None and self.before == write:
                return
            self.call()
        raise AssertionError(f"it never came to {write}")

    def crash(self):
        """Kill it where it stands."""
        self.stalled = 0
        if self.running is not None:
            self.running.close()
            self.running = None


def settle(world, controllers, *, rounds=400):
    """Let everything run without accidents until nothing is left to do."""
    for _ in range(rounds):
        for controller in controllers:
            controller.round()
        for _ in range(3):
            for process in (world.kserve, world.deployments, world.replicasets, world.kubelet, world.step_pods):
                process()
        for request in list(world.requests):
            world.finish(request)
        idle = all(each.waits and each.waits.reason in {"InSync", "Rejected"} for each in controllers)
        if idle and not world.ghosts and world.settled:
            return
        world.sleep(7)
    raise AssertionError(f"it never came to rest: {[each.waits for each in controllers]} {world.status}")


#: Few requests are enough here, where good pairs never fail.
LIMITS = Limits(requests=20, drift=1.0, missing=0.1)

#: How often each thing happens, of a hundred or so.
OFTEN = {
    "control": 40,
    "control_long": 12,
    "stall": 4,
    "cluster_runs": 16,
    "one_process_runs": 6,
    "sleep": 6,
    "promote": 6,
    "move_half": 12,
    "ask": 4,
    "go_on": 12,
    "autoscale": 2,
    "crash": 2,
    "registry": 2,
    "room": 2,
    "router_vanishes": 1,
    "edit": 1,
    "upgrade": 0.3,
    "force": 0.3,
    "undo": 0.5,
    "grow": 1,
    "canary": 1,
    "unregister": 0.1,
    "abort": 0.3,
    "promote_canary": 0.5,
    "retry": 0.3,
}
ACCIDENTS = {
    *("registry", "room", "router_vanishes", "edit", "upgrade", "unregister"),
    *("canary", "promote_canary", "abort", "retry", "force", "undo"),
}


def _up_to(most, least=0):
    """Draw a number."""
    return lambda chance: chance.randint(least, most)


def _of(*choices):
    """Draw one of these."""
    return lambda chance: chance.choice(choices)


DRAWS = {
    "control": {"which": _up_to(1), "calls": _up_to(25, 1)},
    "control_long": {"which": _up_to(1), "rounds": _up_to(6, 1)},
    "stall": {
        "which": _up_to(1),
        "before": _of("point", "point", "fence", "delete", "apply", "scale", "write", "create_pin"),
        "things": _up_to(80, 10),
    },
    "cluster_runs": {"times": _up_to(4, 1)},
    "one_process_runs": {"name": _of("kserve", "deployments", "replicasets", "kubelet", "step_pods")},
    "sleep": {"seconds": _of(1, 10, 30, 31, 130)},
    "promote": {"pair": _up_to(4, 1), "verb": _of("promote", "promote", "rollback", None)},
    "move_half": {"both": _of(True, True, False)},
    "ask": {"which": _up_to(9), "share": _up_to(99)},
    "go_on": {"which": _up_to(9)},
    "autoscale": {"which": _up_to(9), "number": _up_to(3, 1)},
    "crash": {"which": _up_to(1)},
    "registry": {"up": _of(True, True, True, False)},
    "room": {"full": _of(False, False, False, True)},
    "router_vanishes": {"which": _up_to(9)},
    "edit": {"which": _up_to(9)},
    "undo": {"which": _up_to(9)},
    "grow": {"number": _up_to(3, 1)},
    "canary": {"percent": _of(None, None, 10, 50), "judged": _of(True, False)},
}


class Rollouts(RuleBasedStateMachine):
    """Two controllers at once, and everybody else."""

    flaws = Flaws()
    characters = ("good",)
    accidents = True
    fronts = ("routers",)

    def __init__(self):
        super().__init__()
        self.world = World(self.flaws, self.fronts)
        #: Every rollout that ever was.
        self.seen = set()
        self.controllers = [Controller(self.world), Controller(self.world)]
        self.writes = []

    @initialize(data=st.data())
    def bring_up(self, data):
        """The first pair serves; the others may be anything."""
        for pair in (2, 3, 4):
            self.world.character[pair] = data.draw(st.sampled_from(self.characters))
        settle(self.world, self.controllers[:1])
        assert self.world.status["stable"]["pair"].startswith("p1-")

    # -- everything at once -----------------------------------------------------------------------------------------

    @rule(seed=st.integers(0, 2**32 - 1), length=st.integers(50, 400))
    def bustle(self, seed, length):
        """Much happens in a row, as often as each thing does: hypothesis alone seldom gets a rollout to its end."""
        chance = random.Random(seed)
        words = [word for word in OFTEN if self.accidents or word not in ACCIDENTS]
        odds = [OFTEN[word] for word in words]
        for _ in range(length):
            self._happen(chance.choices(words, odds)[0], chance)
            self.every_router_is_served()

    def _happen(self, word, chance):
        """Let one thing happen."""
        for controller in self.controllers:
            controller.stalled = max(0, controller.stalled - 1)
        arguments = {name: draw(chance) for name, draw in DRAWS.get(word, {}).items()}
        getattr(self, word)(**arguments)

    # -- the controllers --------------------------------------------------------------------------------------------

    @rule(which=st.integers(0, 1), calls=st.integers(1, 12))
    def control(self, which, calls):
        """A controller makes some calls."""
        controller = self.controllers[which]
        for _ in range(0 if controller.stalled else calls):
            controller.call()

    def control_long(self, which, rounds):
        """A controller runs while the other stands still."""
        controller = self.controllers[which]
        for _ in range(0 if controller.stalled else rounds):
            controller.round()
            self.cluster_runs(2)

    def stall(self, which, before, things):
        """A controller comes to a certain write, and to no further call for long."""
        controller = self.controllers[which]
        for _ in range(40):
            if controller.stalled or (controller.running and controller.before == before):
                break
            controller.call()
        else:
            return
        controller.stalled = controller.stalled or things

    def crash(self, which):
        """A controller dies."""
        self.controllers[which].crash()

    # -- the promoter -----------------------------------------------------------------------------------------------

    @rule(pair=st.integers(1, 4), verb=st.sampled_from(["promote", "rollback", None]))
    def promote(self, pair, verb):
        """Somebody moves the alias: two writes, with anything in between."""
        if not self.writes:
            self.writes = [(0, pair), (1, pair)]
            self.world.verb = verb

    @rule(both=st.booleans())
    def move_half(self, both):
        """The promoter writes."""
        for _ in range(2 if both else 1):
            if self.writes:
                half, pair = self.writes.pop(0)
                self.world.alias[half] = pair

    # -- the cluster ------------------------------------------------------------------------------------------------

    @rule(times=st.integers(1, 4))
    def cluster_runs(self, times):
        """All of Kubernetes goes on."""
        for _ in range(times):
            for process in (self.world.kserve, self.world.deployments, self.world.replicasets):
                process()
            self.world.kubelet()
            self.world.step_pods()

    def one_process_runs(self, name):
        """One part of Kubernetes goes on."""
        getattr(self.world, name)()

    def autoscale(self, which, number):
        """The autoscaler acts."""
        services = [each for each in self.world.services.values() if not each.deleting]
        if services:
            self.world.scale(services[which % len(services)], number)

    @rule(seconds=st.sampled_from([1, 10, 30, 130]))
    def sleep(self, seconds):
        """Time passes."""
        self.world.sleep(seconds)

    # -- requests ---------------------------------------------------------------------------------------------------

    def ask(self, which, share):
        """A request arrives."""
        routers = self.world.routers()
        if routers:
            self.world.begin(routers[which % len(routers)], share)

    def go_on(self, which):
        """A request takes a step."""
        if self.world.requests:
            self.world.advance(self.world.requests[which % len(self.world.requests)])

    @invariant()
    def every_router_is_served(self):
        """A request that came now, to any router, would be answered by one pair."""
        self.seen.update(self.world.pins)
        for router in self.world.routers():
            for share in (0, 99):
                self.world.begin(router, share)
                self.world.finish(self.world.requests[-1])

    # -- accidents --------------------------------------------------------------------------------------------------

    def registry(self, up):
        """The registry goes down, or comes back."""
        self.world.reachable = up

    def room(self, full):
        """The node is full, or has room again."""
        self.world.full = full

    def router_vanishes(self, which):
        """A router's pod object is removed by force; another is made."""
        routers = self.world.routers()
        if len(routers) > 1:
            self.world.vanish(routers[which % len(routers)])

    def edit(self, which):
        """A person points the graph at another rollout that answers."""
        names = self.world.pointable()
        fleets = [fleet for fleet in self.world.fleets if fleet.front]
        if names and fleets:
            fleets[which % len(fleets)].edit(Route(names[which % len(names)]))

    def unregister(self):
        """The last pair is deleted from the registry."""
        self.world.versions.discard(4)

    def upgrade(self):
        """The template changes, as a chart's upgrade does it, and with it what gateways are made from."""
        self.world.edition += 1
        for fleet in self._gateways():
            fleet.upgrade()

    def force(self):
        """Somebody upgrades the chart with --force."""
        for fleet in self._gateways():
            fleet.force()

    def undo(self, which):
        """Somebody takes the gateways back to an older graph, of rollouts that may be gone for long."""
        gone = sorted(self.seen - set(self.world.pins) - {each.rollout for each in self.world.services.values()})
        for fleet in self._gateways() if gone else ():
            fleet.edit(Route(gone[which % len(gone)]))

    def grow(self, number):
        """The autoscaler of gateways acts."""
        for fleet in self._gateways():
            fleet.grow(number)

    def _gateways(self):
        """The fronts that are gateways."""
        return [fleet for fleet in self.world.fleets if isinstance(fleet, Gateways)]

    def canary(self, percent, judged):
        """A person asks for a canary, for another share, or for none; and that it be ended by its figures, or not."""
        canary = Canary(percent=percent, abort=LIMITS if judged else None) if percent else None
        self.world.spec = self.world.spec.model_copy(update={"canary": canary})
        self.world.record_version += 1

    def abort(self):
        """A person ends the candidate."""
        if candidate := self.world.status.get("candidate"):
            self.world.abort = f"{candidate['rollout']}@{self.world.now}"
            self.world.record_version += 1

    def promote_canary(self):
        """A person gives the candidate everything."""
        if candidate := self.world.status.get("candidate"):
            self.world.promoted = f"{candidate['rollout']}@{self.world.now}"
            self.world.record_version += 1

    def retry(self):
        """A person asks for another try."""
        self.world.retry = str(self.world.now)
        self.world.record_version += 1

    # -- the end ----------------------------------------------------------------------------------------------------

    def teardown(self):
        """Once the accidents are over, what the alias names serves, or is rejected, and nothing is left behind."""
        world = self.world
        world.reachable, world.full = True, False
        world.spec = world.spec.model_copy(update={"canary": None})
        world.record_version += 1
        world.versions = {1, 2, 3, 4}
        while self.writes:
            self.move_half(both=False)
        settle(world, self.controllers)
        self.check_rest()

    def check_rest(self):
        """Compare what is left with what should be."""
        world, status = self.world, self.world.status
        pair = f"p{world.alias[0]}-m{world.alias[1]}"
        rejected = [each["versions"] for each in status["rejected"] if each["active"]]
        stable = status["stable"]["rollout"]
        assert stable.startswith(f"{pair}-") or pair in rejected
        assert world.character[int(status["stable"]["pair"].split("-")[1][1:])] in {"good", "faulty", "gaping"}
        judged = [each["versions"] for each in status["rejected"] if each["reason"] == "Judged"]
        assert {world.character[int(each.split("-m")[1])] for each in judged} <= {"faulty", "gaping"}
        assert {fleet.front.stages for fleet in world.fleets} == {(Route(stable), Route(stable))}
        assert set(world.pins) == {stable, *status["kept"]}
        for made in (world.services, world.scalers):
            assert {each.rollout for each in made.values()} == {stable, *status["kept"]}
        assert len(status["kept"]) <= world.spec.keep
        assert world.settled
