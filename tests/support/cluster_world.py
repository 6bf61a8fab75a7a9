"""The world outside the releases: MLflow, Redis, pairs A, B and C, and a feature repository, all in the cluster."""

import base64
import contextlib
import dataclasses
import functools
import http.client
import json
import urllib.request
from pathlib import Path
from typing import Any

import cluster_stores
import yaml
from cluster_api import Namespace
from cluster_namespaces import namespace
from cluster_pairs import Names, Registrar, Trained
from cluster_pods import config_map
from cluster_ports import forwarded
from cluster_rooms import Rooms, rooms
from cluster_waits import until
from feast import FeatureService
from feast.types import Array, Float64
from feature_repos import location, make_repo, this_hour, view
from served_world import SERIES, windows

SEA = Names("sea_scaler", "sea_forecaster", "live")
FEATURE_SERVICE = "sea"
LOCATIONS = (1, 2, 3)
#: The ConfigMap that holds the feature repository, as a user without shared storage keeps it.
FEATURES = "feature-repository"


@dataclasses.dataclass
class World:
    """What releases are told of, and what their answers are compared to."""

    home: Namespace
    rooms: Rooms
    folder: Path
    repository: dict[str, Any] = dataclasses.field(default_factory=dict)
    pairs: dict[str, Trained] = dataclasses.field(default_factory=dict)
    #: Where MLflow is reached from here just now.
    _uris: list[str] = dataclasses.field(default_factory=list)

    @property
    def registry_uri(self):
        """Where pods find MLflow."""
        return f"http://mlflow.{self.home.name}.svc:{cluster_stores.MLFLOW_PORT}"

    @contextlib.contextmanager
    def registrar(self):
        """Reach MLflow from here."""
        with forwarded(self.home, "svc/mlflow", cluster_stores.MLFLOW_PORT) as (port,):
            uri = f"http://127.0.0.1:{port}"
            self._uris.append(uri)
            yield Registrar(uri, self.folder)
            self._uris.remove(uri)

    def open(self):
        """Start the stores, train and register while they come up, and write the features."""
        self.rooms.make(self.home, "mlflow")
        self.home.apply(*cluster_stores.mlflow("mlflow"), *cluster_stores.redis())
        self.home.await_rollout("redis", "mlflow")
        self._fill()
        with self.registrar() as registrar:
            for number, letter in enumerate("ABC"):
                self.pairs[letter] = registrar.register(SEA, number, promoted=letter == "A")

    def _fill(self):
        """Make the feature repository and write three locations through Feast."""
        folder = self.folder / "features"
        entity = location()
        sea = view("sea_windows", entity, {name: Array(Float64) for name in SERIES})
        with forwarded(self.home, "svc/redis", cluster_stores.REDIS_PORT) as (port,):
            online = {"type": "redis", "connection_string": f"127.0.0.1:{port}"}
            objects = [entity, sea, FeatureService(name=FEATURE_SERVICE, features=[sea])]
            repo = make_repo(folder, objects, online)
            repo.write("sea_windows", {each: windows(each) for each in LOCATIONS}, this_hour())
        document = yaml.safe_load((folder / "feature_store.yaml").read_text())
        document["online_store"]["connection_string"] = f"redis.{self.home.name}.svc:{cluster_stores.REDIS_PORT}"
        registry = base64.b64encode((folder / "registry.db").read_bytes()).decode()
        self.repository = config_map(
            FEATURES, {"feature_store.yaml": yaml.safe_dump(document)}, {"registry.db": registry}
        )

    def features_values(self):
        """What a release is told of the features."""
        volume = {"configMap": {"name": FEATURES}}
        return {"repository": {"volume": volume}, "service": FEATURE_SERVICE, "defaultEntity": "2"}

    def stop_registry(self):
        """Take MLflow away; its data stays."""
        self.home.scale("mlflow", 0)
        self.home.await_pods("mlflow", 0)

    def lose_registry(self):
        """Take MLflow away at once, as a machine that is lost does."""
        self.home.scale("mlflow", 0)
        for pod in self.home.pods("mlflow"):
            self.home.delete_pod(pod["metadata"]["name"], force=True)

    def hide_store(self):
        """Let the name of Redis lead nowhere, and cut the connections that were made; its data stays."""
        self.lead("redis", "nobody")
        self.home.kubectl(
            "exec", "deploy/redis", "--", "redis-cli", "client", "kill", "type", "normal", "skipme", "yes"
        )

    def show_store(self):
        """Let it lead to Redis again."""
        self.lead("redis", "redis")

    def lead(self, service, app):
        """Let a name lead to the pods of an app."""
        change = {"spec": {"selector": {"app": app}}}
        self.home.kubectl("patch", "service", service, "--type=merge", "-p", json.dumps(change))

    def start_registry(self):
        """Bring MLflow back."""
        self.home.scale("mlflow", 1)
        self.home.await_rollout("mlflow")
        for uri in self._uris:  # a port-forward learns by a broken connection that its pod is gone
            until(f"MLflow at {uri}", functools.partial(_answers, uri), 60)


def _answers(uri):
    """Whether MLflow answers at an address of this machine."""
    try:
        with urllib.request.urlopen(f"{uri}/health", timeout=5) as answer:
            return answer.status == http.HTTPStatus.OK, answer.status
    except (OSError, http.client.HTTPException) as error:
        return False, error


@contextlib.contextmanager
def make_world(api, folder):
    """Make the world, and take it away."""
    with namespace(api, "world") as home, rooms(api, home) as made:
        world = World(home, made, folder)
        world.open()
        yield world
