"""One release of the chart: installed, changed, asked, and taken away."""

import contextlib
import dataclasses
import http.client
import json
import time
from pathlib import Path
from typing import Any

from cluster_api import Namespace
from cluster_ports import Address, forwarded
from cluster_tools import attempt, run
from cluster_values import merged
from cluster_waits import until

CHART = Path(__file__).parents[2] / "helm" / "twinpin"
PARTS = ("features", "preprocess", "predict", "gateway", "graph")
#: Seconds that all pods of a release may take on a busy machine of two cores.
START = 300.0


@dataclasses.dataclass
class Release:
    """A release and the names of what it made."""

    #: What is outside it, see cluster_world.
    world: Any
    namespace: Namespace
    name: str
    values: dict[str, Any]
    #: What it serves, see cluster_pairs.
    pair: Any
    #: Seconds from `helm install` until every pod was ready.
    took: float = 0.0

    @property
    def rollout(self):
        """The rollout that its values name."""
        return self.values.get("rollout", "r1")

    def deployment(self, part):
        """Name the Deployment of a part: KServe's, but for the gateway."""
        names = {"graph": self.name, "gateway": f"{self.name}-gateway", "features": f"{self.name}-features-predictor"}
        own = f"-{part}" if part != "serve" else ""
        return names.get(part, f"{self.name}{own}-{self.rollout}-predictor")

    @property
    def parts(self):
        """The parts that these values ask for."""
        if self.values.get("topology") == "collapsed":
            return ("serve",)
        without = set()
        if "repository" not in self.values.get("features", {}):
            without.add("features")
        if not self.values["graph"].get("enabled", True):
            without.add("graph")
        return tuple(part for part in PARTS if part not in without)

    def install(self, *, wait=True):
        """Install it, as NOTES and README tell a user to."""
        begun = time.monotonic()
        self.namespace.apply(self.world.repository)
        self._helm("install", self.name, str(CHART))
        if wait:
            self.await_ready()
            self.took = time.monotonic() - begun
        return self

    def upgrade(self, *changes, wait=True):
        """Change values and nothing else."""
        self.values = merged(self.values, *changes)
        self._helm("upgrade", self.name, str(CHART))
        if wait:
            self.await_ready()

    def uninstall(self):
        """Take it away."""
        run("helm", "uninstall", self.name, "--namespace", self.namespace.name, "--wait", "--timeout", "120s")

    def await_ready(self, seconds=START):
        """Wait until KServe has seen the values, every replica of every part is ready, and the gateway knows it."""
        until(f"KServe's look at {self.name}", self._seen, seconds)
        self.namespace.await_rollout(*map(self.deployment, self.parts), seconds=seconds)
        with self.gateway() as address:
            until(f"health of {self.name}", lambda: self._health(address), 60)

    def await_rollout(self, rollout):
        """Wait until the parts of another rollout that stands by are ready."""
        parts = ("serve",) if self.parts == ("serve",) else ("preprocess", "predict")
        own = f"-{self.rollout}-predictor"
        names = [self.deployment(part).removesuffix(own) + f"-{rollout}-predictor" for part in parts]
        self.namespace.await_rollout(*names)

    def await_routers(self):
        """Wait until no router pod is left that holds the graph as it was: one goes on for 30 s after its SIGTERM."""
        until(f"the end of old routers of {self.name}", self._one_graph, 120)

    def _one_graph(self):
        """Whether all pods of the router, those that end too, are of the newest template."""
        deployment = self.namespace.get("Deployment", self.name)
        wanted = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
        pods = self.namespace.list("Pod", **deployment["spec"]["selector"]["matchLabels"])
        old = [pod["metadata"]["name"] for pod in pods if pod["spec"]["containers"][0]["args"] != wanted]
        return not old, old

    def await_replicas(self, part, number, seconds=START):
        """Wait until a part has this many ready pods."""
        return self.namespace.await_pods(self.deployment(part), number, seconds)

    def pods(self, part):
        """List the pods of one part."""
        return self.namespace.pods(self.deployment(part))

    @property
    def pin(self):
        """Read the Pin of its rollout from the cluster; None where there is none."""
        return self.namespace.get("ConfigMap", f"{self.name}-pair-{self.rollout}")

    @property
    def gateway_url(self):
        """Where pods of the namespace find the gateway."""
        return f"http://{self.name}-gateway"

    @property
    def graph_url(self):
        """Where they find KServe's router."""
        return f"http://{self.name}"

    @contextlib.contextmanager
    def gateway(self):
        """Reach one pod of the gateway from here."""
        with forwarded(self.namespace, f"svc/{self.name}-gateway", 80, 8081) as (rest, grpc):
            yield Address("127.0.0.1", rest, grpc)

    @contextlib.contextmanager
    def graph(self):
        """Reach one pod of KServe's router from here; it has no gRPC."""
        with forwarded(self.namespace, f"svc/{self.name}", 80) as (rest,):
            yield Address("127.0.0.1", rest, 0)

    def _seen(self):
        """Whether KServe has acted on what helm wrote last: until then Deployments are ready as they were."""
        own = {"app.kubernetes.io/instance": self.name}
        objects = [each for kind in ("InferenceService", "InferenceGraph") for each in self.namespace.list(kind, **own)]
        late = [
            each["metadata"]["name"]
            for each in objects
            if each.get("status", {}).get("observedGeneration") != each["metadata"]["generation"]
        ]
        return objects and not late, late

    def _health(self, address):
        """Ask the gateway whether all that these values ask for is there."""
        connection = http.client.HTTPConnection(address.host, address.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", "/health")
            told = json.loads(connection.getresponse().read())
        return told["status"] == "ok", told

    def _helm(self, verb, *words):
        """Run helm with the values; a refusal is an error with helm's words."""
        place = ("--namespace", self.namespace.name, "--values", "-", "--timeout", "60s")
        return run("helm", verb, *words, *place, stdin=json.dumps(self.values))


def refused(namespace, values):
    """Try to install, and return what helm says against it."""
    place = ("--namespace", namespace.name, "--values", "-")
    done = attempt("helm", "install", "refused", str(CHART), *place, stdin=json.dumps(values))
    assert done.returncode != 0, done.stdout
    return done.stderr


def installed(world, namespace, name, values, pair):
    """Install a release while the alias is on its pair; it goes with its namespace."""
    with world.registrar() as registrar:
        registrar.promote(pair)
    return Release(world, namespace, name, values, pair).install()
