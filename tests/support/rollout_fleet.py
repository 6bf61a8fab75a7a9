"""Fleets: a front of the small cluster with the pods that hold copies of its graph, KServe's routers or gateways."""

import datetime as dt
from dataclasses import dataclass, field

from twinpin.rollout.snapshot import Front, Route

#: Where preprocess and predict are called; the same but for one flaw.
Stages = tuple[Route, Route]


@dataclass(eq=False)
class Pod:
    """A pod of a step, or a router with the graph that it was started with."""

    graph: Stages | None = None
    pair: int | None = None
    digest: str = ""
    state: str = "starting"
    #: Its name, its start, and what it has counted.
    name: str = ""
    born: dt.datetime | None = None
    requests: int = 0
    errors: int = 0
    #: When a process whose pod object is gone is gone too.
    until: dt.datetime | None = None


@dataclass(eq=False)
class Graph:
    """The object that says where a fleet sends; no stages: it was never told."""

    stages: Stages | None
    mark: str
    version: int
    generation: int = 1
    #: What else its pods are made from.
    edition: int = 1


@dataclass(eq=False)
class ReplicaSet:
    """Routers with one graph."""

    stages: Stages | None
    edition: int
    desired: int = 0
    pods: list[Pod] = field(default_factory=list)


class Routers:
    """The InferenceGraph, and the routers whose Deployment KServe's controller writes some time later."""

    def __init__(self, name, world):
        self.name = name
        self.world = world
        self.front: Graph | None = None
        self.copied: tuple[Stages | None, int] | None = None
        self.sets: list[ReplicaSet] = []
        self.replicas = 2

    @property
    def template(self):
        """What the Deployment makes pods from: a graph, and the edition of all else; None where there is none."""
        return self.copied

    # -- what the controller sees and does --------------------------------------------------------------------------

    def read(self):
        """Look at the front."""
        graph = self.front
        if graph is None:
            return Front(self.name)
        route = graph.stages[1] if graph.stages else None
        label = route.label if route else ""
        return Front(
            name=self.name,
            route=route if graph.mark == label else None,
            mentions=_named(graph.stages),
            edited=graph.mark != label,
            version=str(graph.version),
            generation=graph.generation,
        )

    @property
    def answers_for(self):
        """Its own name, where one of it answers."""
        return self.name if any(pod.state == "ready" for each in self.sets for pod in each.pods) else ""

    def held(self):
        """Name the rollouts of each graph that something holds."""
        found = [self.template[0]] if self.template else []
        found += [each.stages for each in self.sets if each.desired]
        found += [pod.graph for each in self.sets for pod in each.pods]
        return [_named(stages) for stages in found]

    def write(self, stages, mark):
        """Write the front in one write."""
        if self.front is None:
            self.front = Graph(stages, mark, next(self.world.counter))
            return
        self.front.stages, self.front.mark = stages, mark
        self.touch()
        self.front.generation += 1

    def touch(self):
        """Give the front another version."""
        self.front.version = next(self.world.counter)

    # -- what goes on by itself -------------------------------------------------------------------------------------

    def copy(self):
        """KServe's controller writes the graph into the routers' Deployment."""
        self.copied = (self.front.stages, self.front.edition) if self.front else None

    def deployment(self):
        """The Deployment controller replaces routers: new ones first."""
        if self.template is None:
            for each in self.sets:
                each.desired = 0
            return
        current = next((each for each in self.sets if (each.stages, each.edition) == self.template), None)
        if current is None:
            current = ReplicaSet(*self.template)
            self.sets.append(current)
        current.desired = self.replicas
        if sum(pod.state == "ready" for pod in current.pods) >= self.replicas:
            for each in self.sets:
                each.desired = each.desired if each is current else 0

    def replicaset(self):
        """The ReplicaSet controller keeps the number of routers."""
        for each in self.sets:
            living = [pod for pod in each.pods if pod.state != "ending"]
            for _ in range(each.desired - len(living)):
                each.pods.append(Pod(graph=each.stages))
            for pod in living[each.desired :]:
                self.end(each, pod)
        self.sets = [each for each in self.sets if each.pods or each.desired]

    def end(self, replicas, pod):
        """Tell a router to end."""
        pod.state = "ending"

    def kubelet(self):
        """Routers start, and end when their requests are over."""
        for each in self.sets:
            for pod in list(each.pods):
                if pod.state == "starting" and self.starts(pod):
                    pod.state = "ready"
                elif pod.state == "ending" and not any(one.router is pod for one in self.world.requests):
                    each.pods.remove(pod)

    def starts(self, pod):
        """KServe calls a router ready whatever its graph leads to."""
        return True

    # -- requests and people ----------------------------------------------------------------------------------------

    def serving(self):
        """The pods that take requests: ready ones, and those that end, since endpoints lag."""
        return [pod for each in self.sets for pod in each.pods if pod.state in {"ready", "ending"}]

    def edit(self, route):
        """A person writes the graph by hand."""
        self.write((route, route), self.front.mark)

    @property
    def settled(self):
        """Whether every pod is of the front as it is."""
        wanted = {(self.front.stages, self.front.edition)} if self.front else set()
        return {(each.stages, each.edition) for each in self.sets} == wanted


class Gateways(Routers):
    """The gateway's Deployment, which the chart makes without a graph; its pods run the graph themselves."""

    def __init__(self, name, world):
        super().__init__(name, world)
        self.front = Graph(None, "", next(world.counter))

    @property
    def template(self):
        """The front is the Deployment itself."""
        return (self.front.stages, self.front.edition)

    def starts(self, pod):
        """A gateway is ready when the steps of its stable chain say that they are."""
        return pod.graph is not None and self.world.rollout(pod.graph[0].stable).serving

    def end(self, replicas, pod):
        """One that never was ready ends at once, and took no request."""
        if pod.state == "starting":
            replicas.pods.remove(pod)
        else:
            pod.state = "ending"

    def upgrade(self):
        """Helm changes what else its pods are made from, and leaves the graph alone."""
        self.front.edition += 1
        self.touch()
        self.front.generation += 1

    def force(self):
        """Helm writes the whole Deployment anew, without any annotation of the controller's."""
        self.write(None, "")

    def grow(self, number):
        """The autoscaler sets a number, which is a write of the Deployment too."""
        self.replicas = number
        self.touch()
        self.front.generation += 1


def _named(stages):
    """The rollouts of a graph."""
    return stages[0].rollouts | stages[1].rollouts if stages else frozenset()
