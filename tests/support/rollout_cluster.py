"""A small Kubernetes and registry in memory, in which the real controller code takes one step at a time.

Every call of the controller pauses before it acts, so that anything may happen between any two of them.
"""

import datetime as dt
import hashlib
import itertools
from dataclasses import dataclass, field

from rollout_fleet import Gateways, Pod, Routers

from twinpin.pair.errors import BadArtifact, Unreachable
from twinpin.pair.pin import Half, Pin
from twinpin.pair.version import Versions
from twinpin.rollout.cluster import Conflict, Pinned
from twinpin.rollout.resource import Count, Forecasts, Resource, Spec, Status
from twinpin.rollout.snapshot import Aliased, NoPair, Part, Rollout, Sender
from twinpin.rollout.template import DIGEST, MARK, ROLLOUT_LABEL, Template

DRAIN = 30
STEPS = ("preprocess", "predict")
FLEETS = {"routers": Routers, "gateways": Gateways}
SERVICE = (
    "{apiVersion: serving.kserve.io/v1beta1, kind: InferenceService, "
    "metadata: {name: f-STEP-@ROLLOUT@}, spec: {image: EDITION}}"
)
MANIFESTS = "\n---\n".join(SERVICE.replace("STEP", step) for step in STEPS)
SCALER = (
    "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: f-STEP-@ROLLOUT@}, spec: "
    "{scaleTargetRef: {name: f-STEP-@ROLLOUT@-predictor}, minReplicas: 1, maxReplicas: 3}}"
)
MANIFESTS = "\n---\n".join([MANIFESTS, *(SCALER.replace("STEP", step) for step in STEPS)])
GRAPH = (
    "{metadata: {name: f}, spec: {nodes: {root: {routerType: Sequence, steps: [{serviceUrl: http://f-@ROLLOUT@}]}}}}"
)


class Mixed(AssertionError):
    """An answer was made by halves of two pairs."""


class Lost(AssertionError):
    """A request found no pod that could answer it."""


@dataclass(frozen=True)
class Flaws:
    """What is broken on purpose."""

    #: All rollouts share their Services.
    shared_services: bool = False
    #: Predict takes any stamp.
    no_stamp: bool = False
    #: Pods ask the alias and not the Pin.
    pods_ask_alias: bool = False
    #: Pods look ready before they are.
    blind_to_readiness: bool = False
    #: Routers that hold an older graph are not seen.
    blind_to_routers: bool = False
    #: Nothing is waited for after the last router is gone.
    no_drain: bool = False
    #: The graph is written in two writes.
    two_writes: bool = False
    #: A front may be written whatever became of it since it was read.
    blind_writes: bool = False
    #: Nothing is written to the graph before a rollout goes.
    no_fence: bool = False
    #: The time is taken before the look and not after it.
    clock_first: bool = False
    #: The record is read before the graph.
    record_first: bool = False
    #: Whatever has the name is removed, be it another object by now.
    no_uid: bool = False


def observed(pod, service, character):
    """What a pod shows of inputs or forecasts, one row a request."""
    if "preprocess" in service.name:
        return {"rows": pod.requests, "missing": {"wind": pod.requests} if character == "gaping" else {}}
    median = 90.0 if character == "elsewhere" else 50.0
    spread = Forecasts(rows=pod.requests, lower=median - 5, median=median, upper=median + 5)
    return {"forecasts": spread if pod.requests else None}


class Pause:
    """Gives way to everything else that goes on in the cluster, before a read or before a write by its name."""

    def __init__(self, write=None):
        self.write = write

    def __await__(self):
        """Stop here until driven on."""
        yield self.write


@dataclass(eq=False)
class Service:
    """One InferenceService with its pods."""

    name: str
    rollout: str
    uid: str
    digest: str
    desired: int = 1
    deleting: bool = False
    pods: list[Pod] = field(default_factory=list)

    @property
    def ready(self):
        """The pods that answer."""
        return [pod for pod in self.pods if pod.state == "ready"]


@dataclass(eq=False)
class Scaler:
    """The autoscaler of one InferenceService's Deployment."""

    rollout: str
    uid: str
    digest: str
    least: int


@dataclass(eq=False)
class Request:
    """A request on its way through a router."""

    router: Pod
    rollout: str
    predict_in: str
    stamp: int | None = None


class World:
    """Everything outside the controller."""

    def __init__(self, flaws=Flaws(), fronts=("routers",)):
        self.flaws = flaws
        self.now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        self.alias = [1, 1]
        self.versions = {1, 2, 3, 4}
        #: A pair is good, never (ready), wrong (in its example), broken (as an artifact), faulty (in each answer),
        #: gaping (takes an input that nobody has), or elsewhere (with its forecasts).
        self.character = {1: "good", 2: "good", 3: "good", 4: "good"}
        self.reachable = True
        self.full = False
        self.edition = 1
        self.counter = itertools.count(1)
        self.fleets: list[Routers] = [FLEETS[each](each, self) for each in fronts]
        self.ghosts: list[Pod] = []
        self.services: dict[str, Service] = {}
        #: By the names of their services.
        self.scalers: dict[str, Scaler] = {}
        self.pins: dict[str, tuple[str, Pin]] = {}
        self.requests: list[Request] = []
        self.spec = Spec(drain=0 if flaws.no_drain else DRAIN, progress_deadline=120, keep=1)
        self.status: dict = {}
        self.record_version = 1
        self.retry = self.abort = self.promoted = ""
        #: The command that moved the alias last; None: somebody moved it without Twinpin.
        self.verb = "promote"
        self.answers: list[int] = []

    @property
    def graph(self):
        """The first front."""
        return self.fleets[0].front

    @property
    def settled(self):
        """Whether every router is of the front that it belongs to, as that is now."""
        return all(fleet.settled for fleet in self.fleets)

    # -- what the controller sees ---------------------------------------------------------------------------------

    @property
    def manifests(self):
        """The template as it is now."""
        return Template(MANIFESTS.replace("EDITION", f"v{self.edition}"), GRAPH)

    def pod_ready(self, service):
        """Whether a Deployment is done."""
        if self.flaws.blind_to_readiness:
            return True
        return (
            len(service.ready) >= service.desired
            and len(service.pods) == len(service.ready)
            and all(pod.digest == service.digest for pod in service.pods)
        )

    def rollout(self, name):
        """Look at one rollout."""
        services = [each for each in self.services.values() if each.rollout == name]
        parts = [Part("InferenceService", each.name, each.uid, each.digest, each.deleting) for each in services]
        scalers = [(each, found) for each, found in self.scalers.items() if found.rollout == name]
        parts += [Part("HorizontalPodAutoscaler", each, found.uid, found.digest) for each, found in scalers]
        uid, pin = self.pins.get(name, (None, None))
        if uid:
            parts.append(Part("ConfigMap", name, uid))
        whole = len(services) == len(STEPS)
        return Rollout(
            name=name,
            pin=pin,
            parts=tuple(parts),
            ready=whole and all(self.pod_ready(each) for each in services),
            serving=whole and all(self.flaws.blind_to_readiness or each.ready for each in services),
            replicas={f"{each.name}-predictor".replace(name, MARK): each.desired for each in services},
        )

    def pointable(self):
        """The rollouts that a person could point the graph at without harm."""
        retiring = self.status.get("retiring", ())
        found = [self.rollout(name) for name in sorted(self.pins)]
        return [each.name for each in found if each.serving and not each.deleting and each.name not in retiring]

    # -- what goes on by itself -------------------------------------------------------------------------------------

    def kserve(self):
        """KServe's controller writes the graph into the routers' Deployment."""
        for fleet in self.fleets:
            fleet.copy()

    def deployments(self):
        """The Deployment controller replaces routers."""
        for fleet in self.fleets:
            fleet.deployment()

    def replicasets(self):
        """The ReplicaSet controller keeps the number of routers."""
        for fleet in self.fleets:
            fleet.replicaset()

    def kubelet(self):
        """Routers start and end."""
        for fleet in self.fleets:
            fleet.kubelet()

    def step_pods(self):
        """Pods of steps are made, start, are replaced one by one, and go with their service."""
        for service in list(self.services.values()):
            if service.deleting:
                if service.pods:
                    service.pods.pop()
                else:
                    del self.services[service.name]
                continue
            for pod in service.pods:
                self._start(service, pod)
            fresh = [pod for pod in service.pods if pod.digest == service.digest]
            for _ in range(service.desired - len(fresh)):
                name = f"{service.name}-{next(self.counter)}"
                service.pods.append(Pod(digest=service.digest, name=name, born=self.now))
            if sum(pod.state == "ready" for pod in fresh) >= service.desired:
                service.pods = [pod for pod in service.pods if pod.digest == service.digest]

    def _start(self, service, pod):
        """Bring one pod a step on: room, then a pair, then ready."""
        if pod.state == "starting" and not self.full:
            pin = self.pins.get(service.rollout)
            if self.flaws.pods_ask_alias:
                pod.pair = self.alias[STEPS.index(service.name.split("-")[1])]
            else:
                pod.pair = int(pin[1].model.version) if pin else None
            pod.state = "loading" if pod.pair else "starting"
        elif pod.state == "loading" and self.character.get(pod.pair) != "never":
            pod.state = "ready"

    def scale(self, service, number):
        """An autoscaler sets a number; pods that are not ready go first."""
        scaler = self.scalers.get(service.name)
        number = max(number, scaler.least if scaler else 1)
        service.desired = number
        while len(service.pods) > number and len(service.ready) > 1:
            service.pods.remove(next((pod for pod in service.pods if pod.state != "ready"), service.pods[0]))

    def sleep(self, seconds):
        """Let time pass; a process whose pod object is gone ends within the drain, with its requests."""
        then = self.now + dt.timedelta(seconds=seconds)
        over = [ghost for ghost in self.ghosts if ghost.until <= then]
        for ghost in over:
            for request in [one for one in self.requests if one.router is ghost]:
                self.finish(request)
        self.ghosts = [ghost for ghost in self.ghosts if ghost not in over]
        self.now = then

    # -- requests ---------------------------------------------------------------------------------------------------

    def routers(self):
        """The routers that take requests, gateways that run the graph among them."""
        return [pod for fleet in self.fleets for pod in fleet.serving()]

    def begin(self, router, share):
        """A request comes to a router, which picks a chain."""
        picks = [route.canary if route.canary and share < route.percent else route.stable for route in router.graph]
        self.requests.append(Request(router, *picks))

    def advance(self, request):
        """A request takes its next step."""
        if request.stamp is None:
            request.stamp = self._ask("preprocess", request.rollout)
            return
        pair = self._ask("predict", request.predict_in)
        self.requests.remove(request)
        if pair != request.stamp and not self.flaws.no_stamp:
            raise Lost(f"409: predict of pair {pair} refuses what preprocess of pair {request.stamp} made")
        if pair != request.stamp:
            raise Mixed(f"preprocess of pair {request.stamp}, predict of pair {pair}")
        self.answers.append(pair)

    def finish(self, request):
        """A request goes to its end."""
        while request in self.requests:
            self.advance(request)

    def _ask(self, step, rollout):
        """Let a pod of a step work; returns its pair. A faulty pair fails in its model, and still says which it is."""
        pod = self._pod(step, rollout)
        pod.requests += 1
        pod.errors += step == "predict" and self.character[pod.pair] == "faulty"
        return pod.pair

    def _pod(self, step, rollout):
        """Choose a pod as the Service of a step would."""
        shared = self.flaws.shared_services
        services = [
            each for each in self.services.values() if step in each.name and (shared or each.rollout == rollout)
        ]
        ready = [pod for each in services for pod in each.ready]
        if not ready:
            raise Lost(f"no pod of {step} answers for {rollout}")
        return ready[next(self.counter) % len(ready)]

    # -- faults -----------------------------------------------------------------------------------------------------

    def vanish(self, router):
        """A router's pod object is gone at once; its process ends what it has begun."""
        for each in (each for fleet in self.fleets for each in fleet.sets):
            if router in each.pods:
                each.pods.remove(router)
        router.until = self.now + dt.timedelta(seconds=DRAIN)
        self.ghosts.append(router)


class ModelPairs:
    """The registry as the controller calls it."""

    def __init__(self, world):
        self.world = world

    async def alias(self):
        """Read both halves, one after the other."""
        world = self.world
        await Pause()
        if not world.reachable:
            return NoPair("Unreachable", "The registry does not answer.")
        preprocessor = world.alias[0]
        await Pause()
        model = world.alias[1]
        if preprocessor != model:
            return NoPair("HalfMoved", "The alias is on halves of two pairs.")
        if model not in world.versions:
            return NoPair("NoAlias", "Neither half carries the alias.", gone=True)
        return Aliased(Versions(str(preprocessor), str(model)), "somebody", self.world.verb)

    async def pin(self, versions):
        """Hash a pair."""
        await Pause()
        number = int(versions.model)
        if not self.world.reachable:
            raise Unreachable("The registry does not answer.")
        if self.world.character[number] == "broken" or number not in self.world.versions:
            raise BadArtifact("The artifact is not an MLflow model.")
        digest = hashlib.sha256(versions.model.encode()).hexdigest()
        halves = (Half(name=name, version=versions.model, run_id=None, digest=digest) for name in STEPS)
        name = f"p{number}-m{number}-{digest[:6]}"
        pin = Pin(
            id=name,
            rollout=name,
            alias="production",
            preprocessor=next(halves),
            model=next(halves),
            evidence="tag",
            created=self.world.now,
        )
        return Pinned(pin)


class ModelCluster:
    """Kubernetes as the controller calls it; each method pauses once, then acts at once."""

    def __init__(self, world):
        self.world = world

    async def fronts(self):
        """Read the graph."""
        if self.world.flaws.record_first:
            self.early = await self._resource()
        found = []
        for fleet in self.world.fleets:
            await Pause()
            found.append(fleet.read())
        return tuple(found)

    async def senders(self):
        """Read routers, and what makes them."""
        await Pause()
        world = self.world
        if world.flaws.blind_to_routers:
            return ()
        held = [(fleet, mentions) for fleet in world.fleets for mentions in fleet.held()]
        return tuple(
            Sender(f"s{n}", mentions, answers_for=fleet.answers_for) for n, (fleet, mentions) in enumerate(held)
        )

    async def resource(self):
        """Read the resource."""
        if self.world.flaws.record_first:
            return self.early
        return await self._resource()

    async def _resource(self):
        """Read the resource."""
        await Pause()
        world = self.world
        return Resource(
            version=str(world.record_version),
            spec=world.spec,
            status=Status.model_validate(world.status),
            retry=world.retry,
            abort=world.abort,
            promote=world.promoted,
        )

    async def template(self):
        """Read the template."""
        await Pause()
        return self.world.manifests

    async def rollouts(self):
        """Read all rollouts."""
        await Pause()
        made = (*self.world.services.values(), *self.world.scalers.values())
        names = set(self.world.pins) | {each.rollout for each in made}
        return {name: self.world.rollout(name) for name in sorted(names)}

    async def figures(self, rollouts):
        """Read what the pods of some rollouts have counted."""
        await Pause()
        return tuple(
            Count(
                pod=pod.name,
                rollout=service.rollout,
                step=service.name.removesuffix(f"-{service.rollout}"),
                started=pod.born.timestamp(),
                requests=pod.requests,
                errors=pod.errors,
                **observed(pod, service, self.world.character[pod.pair]),
            )
            for service in self.world.services.values()
            if service.rollout in rollouts
            for pod in service.ready
        )

    def name_rollout(self, pair):
        """As the template has room for."""
        return self.world.manifests.name_rollout(pair, "ns")

    async def create_pin(self, pin):
        """First wins."""
        await Pause("create_pin")
        return self.world.pins.setdefault(pin.rollout, (f"u{next(self.world.counter)}", pin))[1]

    async def apply(self, document):
        """Make or change one object."""
        await Pause("apply")
        scaler = document["kind"] != "InferenceService"
        there = self.world.scalers if scaler else self.world.services
        name, digest = document["metadata"]["name"], document["metadata"]["annotations"][DIGEST]
        if name not in there:
            place = document["metadata"]["labels"][ROLLOUT_LABEL], f"u{next(self.world.counter)}", digest
            there[name] = Scaler(*place, 1) if scaler else Service(name, *place)
        there[name].digest = digest
        if scaler:
            there[name].least = document["spec"]["minReplicas"]

    async def scale(self, deployment, replicas):
        """Change what KServe made."""
        await Pause("scale")
        service = self.world.services.get(deployment.removesuffix("-predictor"))
        if service:
            self.world.scale(service, replicas)

    async def probe(self, rollout):
        """Compare a forecast."""
        await Pause()
        character = self.world.character.get(int(rollout.pin.model.version))
        return "The forecast is not the recorded one." if character == "wrong" else None

    async def point(self, front, route):
        """Write the graph."""
        await Pause("point")
        fleet = self._fleet(front)
        if fleet.front is None and front.version is None:
            fleet.write((route, route), route.label)
            return
        self._require(front)
        if self.world.flaws.two_writes and fleet.front.stages:
            fleet.write((route, fleet.front.stages[1]), fleet.front.mark)
            await Pause()
        fleet.write((route, route), route.label)

    def _fleet(self, front):
        """Find whose front it is."""
        return next(fleet for fleet in self.world.fleets if fleet.name == front.name)

    def _require(self, front):
        """Refuse a write against what is not there any more."""
        graph = self._fleet(front).front
        if graph is None or (not self.world.flaws.blind_writes and str(graph.version) != front.version):
            raise Conflict

    async def fence(self, front):
        """Touch the graph."""
        await Pause("fence")
        if not self.world.flaws.no_fence:
            self._require(front)
            self._fleet(front).touch()

    async def delete(self, part):
        """Remove one object."""
        await Pause("delete")
        world, force = self.world, self.world.flaws.no_uid
        if part.kind == "ConfigMap":
            if part.name in world.pins and (force or world.pins[part.name][0] == part.uid):
                del world.pins[part.name]
        elif part.kind == "HorizontalPodAutoscaler":
            if part.name in world.scalers and (force or world.scalers[part.name].uid == part.uid):
                del world.scalers[part.name]
        elif part.name in world.services and (force or world.services[part.name].uid == part.uid):
            world.services[part.name].deleting = True

    async def write(self, status, resource):
        """Write the record, as the API server would store it."""
        await Pause("write")
        if resource.version != str(self.world.record_version):
            raise Conflict
        self.world.record_version += 1
        self.world.status = status.model_dump(mode="json", by_alias=True)

    async def tell(self, kind, reason, message):
        """Nobody reads events here."""
