"""Pairs that come and go under one pair of names, good ones and spoiled ones."""

import itertools
import operator
import shutil

import numpy as np
import yaml
from cluster_pairs import Names
from pair_folders import Model, save_sklearn
from served_world import row
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from twinpin.pair.example import METADATA, example_metadata
from twinpin.pair.promote import Promoter
from twinpin.pair.registry import MlflowRegistry
from twinpin.pair.settings import Settings
from twinpin.pair.version import Versions

NAMES = Names("night_scaler", "night_forecaster", "live")


class Nights:
    """Pairs of one pair of names, each with forecasts of its own."""

    names = NAMES

    def __init__(self, registrar):
        self.registrar = registrar
        # Small numbers: forecasts grow with them, and answers have the precision of 32 bits.
        self._seeds = itertools.count(1)

    def newcomer(self, *, promoted=False, spoil=None):
        """Train and register a pair that was never there."""
        return self.registrar.register(NAMES, next(self._seeds), promoted=promoted, spoil=spoil)

    def promote(self, pair, *, force=False):
        """Move the alias as `twinpin promote` does, without the seconds that a process takes to start."""
        self._promoter().promote(Versions(*pair.versions), force=force)

    def rollback(self):
        """Move the alias to the pair before, as `twinpin rollback` does."""
        self._promoter().rollback()

    def forget(self, pair):
        """Delete both versions of a pair, as somebody does who tidies a registry up."""
        for name, version in zip((NAMES.preprocessor, NAMES.model), pair.versions, strict=True):
            self.registrar.client.delete_model_version(name, version)

    def take_alias(self, name):
        """Take the alias from one half."""
        self.registrar.client.delete_registered_model_alias(name, NAMES.alias)

    def _promoter(self):
        """Make what both commands work with."""
        uri = self.registrar.uri
        settings = Settings(
            registry_uri=uri,
            preprocessor_name=NAMES.preprocessor,
            model_name=NAMES.model,
            alias=NAMES.alias,
        )
        return Promoter(settings, MlflowRegistry(uri))


def wrong_example(trees):
    """Record a forecast with the model that it does not make."""
    file = trees / "model" / "MLmodel"
    document = yaml.safe_load(file.read_text())
    example = document["metadata"][METADATA]
    example["prediction"] = (np.asarray(example["prediction"]) + 1).tolist()
    file.write_text(yaml.safe_dump(document))


def unloadable(trees):
    """Cut the model's file off in the middle, as a full disk does."""
    (file,) = (trees / "model").glob("model.*")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


class _Greed:
    """Becomes a string of some GB when it is loaded, which no pod of the tests has room for."""

    def __reduce__(self):
        return operator.mul, (b"x", 4 << 30)


def devouring(trees):
    """Let the preprocessor take all memory when it is loaded, as one does that was trained on a larger machine."""
    import mlflow.sklearn  # noqa: PLC0415 -- three seconds

    place = trees / "preprocessor"
    signature, pipeline = Model.load(place).signature, mlflow.sklearn.load_model(place)
    pipeline.greed = _Greed()
    shutil.rmtree(place)
    save_sklearn(pipeline, place, signature)


def by_pyfunc_alone(trees):
    """Give the preprocessor a step that changes nothing, and that no proven path knows: each request takes a thread."""
    import mlflow.sklearn  # noqa: PLC0415 -- three seconds

    place = trees / "preprocessor"
    signature, pipeline = Model.load(place).signature, mlflow.sklearn.load_model(place)
    shutil.rmtree(place)
    whole = make_pipeline(*(step for _, step in pipeline.steps), FunctionTransformer(operator.pos))
    save_sklearn(whole.set_output(transform="pandas"), place, signature)


def without_imputer(trees):
    """Leave a step of the preprocessor out: rows with a gap cannot be served any more, and all others as before.

    Whoever trained it has tried it on a row without a gap.
    """
    import mlflow.sklearn  # noqa: PLC0415 -- three seconds
    import mlflow.xgboost  # noqa: PLC0415

    place, file = trees / "preprocessor", trees / "model" / "MLmodel"
    signature = Model.load(place).signature
    rest = make_pipeline(*mlflow.sklearn.load_model(place)[1:]).set_output(transform="pandas")
    forecast = mlflow.xgboost.load_model(trees / "model").predict(rest.transform(row(1)))
    shutil.rmtree(place)
    save_sklearn(rest, place, signature)
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {"metadata": example_metadata(row(1), forecast)}))
