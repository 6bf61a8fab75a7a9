"""Real pairs for the cluster: trained here, registered in the cluster's MLflow, moved by the command of the product."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import xgboost
from pair_folders import save_sklearn, save_xgboost
from served_world import COLUMNS, HORIZON
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from twinpin.pair.example import example_metadata

#: Seconds for one command; one that waits for a rollout waits for its routers too.
PATIENCE = 240
TWINPIN = str(Path(sys.executable).with_name("twinpin"))


@dataclasses.dataclass(frozen=True)
class Names:
    """What one pair of registered models is called, and the alias of both."""

    preprocessor: str
    model: str
    alias: str

    @property
    def flags(self):
        """The same for a command of the product."""
        settings = {"preprocessor-name": self.preprocessor, "model-name": self.model, "alias": self.alias}
        return [word for name, value in settings.items() for word in (f"--{name}", value)]


@dataclasses.dataclass(frozen=True)
class Trained:
    """A registered pair, and the same two objects here."""

    names: Names
    versions: tuple[str, str]
    pipeline: object
    regressor: object

    @property
    def label(self):
        """How its stamp begins."""
        return f"p{self.versions[0]}-m{self.versions[1]}-"

    def forecast(self, rows):
        """Compute the forecast with scikit-learn and XGBoost alone."""
        return np.asarray(self.regressor.predict(self.pipeline.transform(rows)), dtype=np.float32)


def train(seed):
    """Fit a small pair whose forecasts are far from those of every other seed, and from those of two halves that mix.

    Each seed has seen columns on scales of its own, so that its preprocessor is of no use to another's model.
    """
    draw = np.random.default_rng(seed)
    centres, widths = draw.uniform(-1, 1, len(COLUMNS)), draw.uniform(0.5, 3, len(COLUMNS))
    rows = pd.DataFrame(draw.normal(centres, widths, (300, len(COLUMNS))), columns=COLUMNS)
    rows = rows.mask(draw.random(rows.shape) < 0.05)
    steps = SimpleImputer(strategy="median"), StandardScaler()
    pipeline = make_pipeline(*steps).set_output(transform="pandas").fit(rows)
    matrix = pipeline.transform(rows)
    hours = [matrix.iloc[:, 0] * (1 + ahead) + matrix.sum(axis=1) + 100 * seed for ahead in range(HORIZON)]
    regressor = xgboost.XGBRegressor(n_estimators=20, max_depth=3, n_jobs=1)
    return rows, pipeline, matrix, regressor.fit(matrix, np.stack(hours, axis=1))


class Registrar:
    """Registers pairs in the MLflow server at *uri*, which a port-forward leads to."""

    def __init__(self, uri, folder):
        from mlflow import MlflowClient  # noqa: PLC0415 -- three seconds

        self.uri = uri
        self.client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        self._folder = folder
        found = self.client.get_experiment_by_name("sea")
        self._experiment = found.experiment_id if found else self.client.create_experiment("sea")

    def register(self, names, seed, *, promoted=False, spoil=None):
        """Train a pair and register both halves in one run, as a training job does.

        *spoil* gets the folder of both trees before they are logged, for a pair that is not good.
        """
        from mlflow.models import infer_signature  # noqa: PLC0415 -- three seconds

        rows, pipeline, matrix, regressor = train(seed)
        trees = self._folder / f"{names.model}-{seed}"
        save_sklearn(pipeline, trees / "preprocessor", infer_signature(rows, matrix))
        forecasts = regressor.predict(matrix)
        recorded = example_metadata(rows.head(2), forecasts[:2])
        save_xgboost(regressor, trees / "model", infer_signature(matrix, forecasts), metadata=recorded)
        if spoil is not None:
            spoil(trees)
        run = self.client.create_run(self._experiment).info
        versions = tuple(
            self._version(run, name, trees / half)
            for name, half in ((names.preprocessor, "preprocessor"), (names.model, "model"))
        )
        trained = Trained(names, versions, pipeline, regressor)
        if promoted:
            self.promote(trained)
        return trained

    def _version(self, run, name, tree):
        """Log one tree and make a version of it."""
        self.client.log_artifacts(run.run_id, str(tree), tree.name)
        if not self.client.search_registered_models(f"name = '{name}'"):
            self.client.create_registered_model(name)
        made = self.client.create_model_version(name, f"{run.artifact_uri}/{tree.name}", run_id=run.run_id)
        return str(made.version)

    def promote(self, trained):
        """Move the alias of both halves, as a person does."""
        preprocessor, model = trained.versions
        self.twinpin("promote", trained.names, "--preprocessor-version", preprocessor, "--model-version", model)

    def twinpin(self, command, names, *words):
        """Run a command of the product on this registry; returns what it printed."""
        line = [TWINPIN, command, "--registry-uri", self.uri, *names.flags, *words]
        done = subprocess.run(line, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def die_half_way(self, trained):
        """Promote, and lose the process after the first of the two writes; its lease is over soon."""
        preprocessor, model = trained.versions
        settings = [self.uri, trained.names.preprocessor, trained.names.model, trained.names.alias]
        done = subprocess.run(
            [sys.executable, "-P", "-c", _DYING, *settings, preprocessor, model],
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
            env=dict(os.environ),
        )
        assert done.returncode == _DIED, done.stderr


_DIED = 77
#: Seconds: a busy registry takes one or two for what comes before the first write; a repair waits until they are over.
_LEASE = 5
_DYING = f"""
import os, sys
from twinpin.pair.promote import Promoter
from twinpin.pair.registry import MlflowRegistry
from twinpin.pair.settings import Settings
from twinpin.pair.version import Versions

uri, preprocessor, model, alias, *versions = sys.argv[1:]


class Dying(MlflowRegistry):
    def set_alias(self, name, alias, version):
        if name == model:
            os._exit({_DIED})
        super().set_alias(name, alias, version)


names = dict(preprocessor_name=preprocessor, model_name=model, alias=alias)
settings = Settings(registry_uri=uri, lease_seconds={_LEASE}, **names)
Promoter(settings, Dying(uri)).promote(Versions(*versions))
"""
