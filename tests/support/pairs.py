"""Real pairs, registered in a real MLflow registry within milliseconds: two pyfunc trees that load."""

import json
import os
import uuid
from pathlib import Path
from unittest import mock

import yaml
from mlflow import MlflowClient
from mlflow.entities import LoggedModelInput

PREPROCESSOR = "xgboost_preprocessor"
MODEL = "xgboost_model"
TAG = "twinpin.pair"


def columns(*names, dtype="double"):
    """Declare named columns, as MLmodel does."""
    return [{"type": dtype, "name": name, "required": True} for name in names]


def tensor(*shape, dtype="float32"):
    """Declare one tensor, as MLmodel does."""
    return [{"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": list(shape)}}]


def signature(inputs=None, outputs=None):
    """Declare both sides."""
    sides = {"inputs": inputs, "outputs": outputs}
    return {side: json.dumps(specs) if specs else None for side, specs in sides.items()} | {"params": None}


FITTING = (signature(columns("a", "b"), columns("x", "y")), signature(columns("x", "y"), tensor(-1, 2)))


def write_tree(folder, content, declared, flavors=()):
    """Write an artifact tree with a signature and some *content* that tells it from others."""
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "weights.bin").write_bytes(content.encode() * 50)
    document = {
        "flavors": {
            "python_function": {"loader_module": "nothing", "data": "data"},
            **{flavor: {"data": "data"} for flavor in flavors},
        },
        "mlflow_version": "3.17.2",
    }
    if declared:
        document["signature"] = declared
    (folder / "MLmodel").write_text(yaml.safe_dump(document))
    return folder


class Pairs:
    """Makes versions in one registry."""

    def __init__(self, uri, folder):
        self.uri = uri
        self.client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        self._folder = Path(folder)
        self._made = 0
        # A database has its artifacts beside it; a server knows where it keeps its own.
        place = None if uri.startswith("http") else f"file://{self._folder}/artifacts"
        self._experiment = self.client.create_experiment(f"pairs-{uuid.uuid4().hex}", artifact_location=place)

    def run(self):
        """Start a run and name it."""
        return self.client.create_run(self._experiment).info.run_id

    def version(self, name, run_id=None, *, tag=None, declared=None, content=None):
        """Register one version whose artifacts belong to a run; returns MLflow's ModelVersion."""
        self._made += 1
        run_id = run_id or self.run()
        flavors = ["xgboost"] if name == MODEL else []
        tree = write_tree(self._folder / f"{name}-{self._made}", content or f"{name} {self._made}", declared, flavors)
        self._ensure(name)
        path = f"artifact-{self._made}"
        self.client.log_artifacts(run_id, str(tree), path)
        source = f"{self.client.get_run(run_id).info.artifact_uri}/{path}"
        tags = {TAG: tag} if tag else None
        return self.client.create_model_version(name, source, run_id=run_id, tags=tags)

    def pair(self, *, tag=None, declared=FITTING, alias=None):
        """Register both halves in one run; returns their version numbers and the run."""
        run_id = self.run()
        made = [
            self.version(name, run_id, tag=tag, declared=each)
            for name, each in zip((PREPROCESSOR, MODEL), declared, strict=True)
        ]
        if alias:
            for each in made:
                self.client.set_registered_model_alias(each.name, alias, str(each.version))
        return str(made[0].version), str(made[1].version), run_id

    def logged_preprocessor(self, declared=None):
        """Register a preprocessor as an MLflow 3 logged model; returns its version and its logged model's id."""
        self._made += 1
        self._ensure(PREPROCESSOR)
        logged = self.client.create_logged_model(
            self._experiment, name=f"preprocessor-{self._made}", source_run_id=self.run()
        )
        tree = write_tree(self._folder / f"logged-{self._made}", f"logged {self._made}", declared)
        self.client.log_model_artifacts(logged.model_id, str(tree))
        self.client.finalize_logged_model(logged.model_id, "READY")
        # A SQL registry looks such a source up by the global URI, whatever its client was given.
        with mock.patch.dict(os.environ, MLFLOW_TRACKING_URI=self.uri):
            made = self.client.create_model_version(
                PREPROCESSOR, f"models:/{logged.model_id}", model_id=logged.model_id
            )
        return str(made.version), logged.model_id

    def log_input(self, run_id, model_id):
        """Say that a run took a logged model as its input."""
        self.client.log_inputs(run_id, models=[LoggedModelInput(model_id=model_id)])

    def alias(self, alias, preprocessor, model):
        """Set the alias of both halves, without any of our care; None leaves one as it is."""
        for name, version in ((PREPROCESSOR, preprocessor), (MODEL, model)):
            if version is not None:
                self.client.set_registered_model_alias(name, alias, version)

    def _ensure(self, name):
        """Make the registered model unless it is there."""
        if not self.client.search_registered_models(f"name = '{name}'"):
            self.client.create_registered_model(name)


def age_lease(promoter):
    """Let the time of whoever holds the lease be over."""
    dead = promoter.lease.read()
    dead = dead.model_copy(update={"expires": dead.at})
    promoter._registry.set_tag(MODEL, promoter.lease.key, dead.model_dump_json(by_alias=True))
