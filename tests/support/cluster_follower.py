"""A release whose controller follows the alias: where it stands, and what the record of it says."""

import dataclasses
import functools
import json

from cluster_release import Release
from cluster_values import merged, one_of_each, replicas
from cluster_waits import until

from twinpin.rollout.kube_gateway import DOCUMENT
from twinpin.rollout.routes import PAIR_NAMED

#: Seconds that a pair may take from its alias to all requests on a busy machine of two cores.
LIVE = 300.0
#: Seconds in which a pair has to become ready, unless a test says otherwise: the chart's default.
UNHURRIED = 600
#: Seconds between the last router of a rollout and its removal: short, since nothing here is lost with a node.
DRAIN = 10
#: Label of what belongs to a rollout; KServe copies it from the graph to what it makes of that.
ROLLOUT = "twinpin.dev/rollout"
_KINDS = "inferenceservices,configmaps,services"


def following(world, names):
    """What a release with a controller is told: it looks often and removes soon."""
    controller = {
        "enabled": True,
        "pollSeconds": 1,
        "drain": DRAIN,
        "resources": {"requests": {"cpu": "10m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}},
    }
    return merged(one_of_each(world, names), {"controller": controller})


def values(world, names, seat):
    """The same with two routers; each predict takes a seat, and pods sum up what they are given and forecast."""
    taking = {"resources": {"requests": {seat: "1"}, "limits": {seat: "1"}}}
    return merged(following(world, names), replicas(2, "graph"), {"predict": taking, "observe": {"enabled": True}})


@dataclasses.dataclass
class Follower(Release):
    """A release that names no rollout itself."""

    #: The part whose pods hold the graph.
    front = "graph"
    #: Pairs of which a router may still be ending: each goes on for 30 s.
    earlier: tuple = ()

    @property
    def record(self):
        """Read the status of its PairedGraph; empty before there is one."""
        found = self.namespace.get("PairedGraph", self.name)
        return (found or {}).get("status", {})

    @property
    def rollout(self):
        """The rollout that serves."""
        return self.record["stable"]["rollout"]

    def serves(self, pair):
        """Whether a pair serves and nothing is on its way."""
        return _serves(self.record, pair)

    def await_ready(self, seconds=LIVE):
        """Wait until its first pair serves, and every part of it is ready."""
        self.await_live(self.pair, seconds)
        super().await_ready(seconds)

    def await_live(self, pair, seconds=LIVE):
        """Wait until a pair serves and every router that gets new requests leads to it."""
        self.await_record(f"{pair.label} to serve", functools.partial(_serves, pair=pair), seconds)
        if pair is not self.pair:
            self.earlier = (self.pair,)
        self.pair = pair
        until(f"routers to {pair.label}", self._routed, seconds)

    def await_settled(self, seconds=LIVE):
        """Wait until the pair behind the alias serves and no other is on its way; older ones may still be ending."""
        self.await_record("nothing on its way", functools.partial(_serves, pair=self.pair), seconds)
        self.await_condition("PairAccepted", "True", "Pair", seconds)

    def _routed(self):
        """Whether enough routers are ready and all of them lead to its pair alone."""
        found = self.namespace.ready_pods(self.deployment(self.front))
        others = {each["metadata"]["name"]: self.led_to(each) for each in found}
        others = {name: named for name, named in others.items() if named != {self.rollout}}
        return len(found) == self.values[self.front]["replicas"]["min"] and not others, others

    def led_to(self, router):
        """Name the rollouts that a router leads to."""
        return rollouts_of(router)

    def await_emptied(self, seconds=LIVE):
        """Wait until a pair was left alone and nothing of it is there any more."""
        self.await_condition("Progressing", "False", "Rejected", seconds)

    def await_record(self, what, met, seconds=LIVE):
        """Wait until something is true of the record; returns the record."""

        def look():
            record = self.record
            return met(record), record

        return until(f"{self.name}: {what}", look, seconds)

    def await_condition(self, kind, status, reason, seconds=LIVE):
        """Wait for a condition; returns its message."""

        def look(record):
            found = condition(record, kind)
            return found.get("status") == status and found.get("reason") == reason

        return condition(self.await_record(f"{kind}={status} by {reason}", look, seconds), kind)["message"]

    def await_rejection(self, pair, seconds=LIVE):
        """Wait until a pair is left alone; returns why."""
        found = self.await_record(f"the rejection of {pair.label}", lambda record: rejection(record, pair), seconds)
        return rejection(found, pair)

    def await_gone(self, rollout, seconds=LIVE):
        """Wait until no object of a rollout is left."""

        def look():
            left = [each for each in self.of_rollouts() if each.startswith(f"{rollout} ")]
            return not left, left

        until(f"the end of {rollout}", look, seconds)

    def of_rollouts(self):
        """List what was made for rollouts, after the rollout's name; not pods, which end by themselves."""
        selector = f"{ROLLOUT},app.kubernetes.io/component!=graph"
        found = json.loads(self.namespace.kubectl("get", _KINDS, "--selector", selector, "-o", "json"))["items"]
        return sorted(
            f"{each['metadata']['labels'][ROLLOUT]} {each['kind']}/{each['metadata']['name']}" for each in found
        )

    def wish(self, **spec):
        """Change what is wanted of the controller, as `kubectl edit` does."""
        self.namespace.kubectl("patch", "pairedgraph", self.name, "--type=merge", "-p", json.dumps({"spec": spec}))

    def edit_graph(self, change):
        """Change the InferenceGraph, as somebody does who does not know whose it is."""
        self.namespace.kubectl("patch", "inferencegraph", self.name, "--type=merge", "-p", json.dumps(change))

    def twinpin(self, command, *words):
        """Run a command of the rollout from outside the cluster; returns what it printed."""
        place = ("--release", self.name, "--namespace", self.namespace.name)
        with self.world.registrar() as registrar:
            return registrar.twinpin(command, self.pair.names, *place, *words)

    def told(self, reason):
        """List the messages of the events on its PairedGraph that have a reason."""
        found = [each for each in self.namespace.events(self.name) if each["involvedObject"]["kind"] == "PairedGraph"]
        return [each["message"] for each in found if each["reason"] == reason]


class DirectFollower(Follower):
    """One whose gateways run the graph themselves."""

    front = "gateway"

    def led_to(self, router):
        """Name the rollouts that a gateway leads to."""
        return set(PAIR_NAMED.findall(router["metadata"].get("annotations", {}).get(DOCUMENT, "")))


def rollouts_of(router):
    """Name the rollouts that a router leads to."""
    return set(PAIR_NAMED.findall(router["spec"]["containers"][0]["args"][-1]))


def condition(record, kind):
    """Find one condition; empty where there is none yet."""
    return next((each for each in record.get("conditions", []) if each["type"] == kind), {})


def rejection(record, pair):
    """Find why a pair is left alone; None where it is not."""
    mine = [each for each in record.get("rejected", []) if each["pair"].startswith(pair.label.rstrip("-"))]
    return next((each for each in mine if each["active"]), None)


def _serves(record, pair):
    """Whether a pair serves and nothing is on its way."""
    return (record.get("stable") or {}).get("pair", "").startswith(pair.label) and not record.get("candidate")
