"""Registering: one run, two registered models, one tag on both, and the alias through Twinpin's own promotion."""

import importlib.metadata
import logging
import warnings
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode

from demo_forecast.training import Trained
from twinpin.pair.example import example_metadata
from twinpin.pair.promote import Promoter
from twinpin.pair.registry import MlflowRegistry
from twinpin.pair.settings import Settings
from twinpin.pair.version import PAIR_TAG, Versions

PREPROCESSOR = "xgboost_preprocessor"
MODEL = "xgboost_model"
ALIAS = "production"
EXPERIMENT = "twinpin-demo"


def connect(uri: str, artifacts: Path | None) -> None:
    """Point MLflow at the registry; *artifacts* is the folder for those of a registry that is no server."""
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    if mlflow.get_experiment_by_name(EXPERIMENT) is None:
        mlflow.create_experiment(EXPERIMENT, artifact_location=artifacts.as_uri() if artifacts else None)
    mlflow.set_experiment(EXPERIMENT)
    logging.getLogger("mlflow").setLevel(logging.ERROR)  # warns of pickle, and that a transformer cannot predict


def register(trained: Trained, name: str) -> Versions:
    """Log both halves in one run and register them; the alias stays where it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an estimator named again, an integer column: nothing that a reader can mend
        with mlflow.start_run(run_name=name) as run:
            mlflow.log_params(dict(trained.parameters))
            for method, error in trained.errors.items():
                word = method.replace(" ", "_")
                mlflow.log_metrics({f"{word}_mae": error.mae, f"{word}_rmse": error.rmse})
            versions = Versions(_log_preprocessor(trained), _log_model(trained))
        _tag(versions, run.info.run_id)
    return versions


def promote(uri: str, versions: Versions) -> str:
    """Move the alias of both halves, checked; gives the pair's label."""
    settings = Settings(registry_uri=uri, tracking_uri=uri, alias=ALIAS)
    moved = Promoter(settings, MlflowRegistry(uri, uri)).promote(versions)
    return moved.after.label


def _log_preprocessor(trained: Trained) -> str:
    """Log the preprocessor as scikit-learn's own; MLflow has no pyfunc that calls `transform` and can be loaded."""
    logged = mlflow.sklearn.log_model(
        trained.preprocessor,
        name="preprocessor",
        registered_model_name=PREPROCESSOR,
        signature=infer_signature(trained.example, trained.matrix),
        input_example=trained.example,
        pip_requirements=_pinned("scikit-learn", "pandas", "numpy"),
        serialization_format="cloudpickle",
    )
    return str(logged.registered_model_version)


def _log_model(trained: Trained) -> str:
    """Log the regressor in XGBoost's own binary format."""
    logged = mlflow.xgboost.log_model(
        trained.model,
        name="model",
        registered_model_name=MODEL,
        signature=infer_signature(trained.matrix, trained.model.predict(trained.matrix)),
        input_example=trained.matrix,
        metadata=example_metadata(trained.example, trained.model.predict(trained.matrix)),
        model_format="ubj",
        pip_requirements=_pinned("xgboost-cpu", "scikit-learn", "pandas", "numpy"),
    )
    return str(logged.registered_model_version)


def _tag(versions: Versions, pair: str) -> None:
    """Say on both versions that they belong together."""
    client = mlflow.MlflowClient()
    for name, version in zip((PREPROCESSOR, MODEL), versions, strict=True):
        client.set_model_version_tag(name, version, PAIR_TAG, pair)


def _pinned(*packages: str) -> list[str]:
    """Name what is installed; MLflow would otherwise load the model once more to find out."""
    return [f"{package}=={importlib.metadata.version(package)}" for package in packages]


def known(versions: Versions) -> bool:
    """Whether the registry still has both versions; a remote one may have been emptied."""
    client = mlflow.MlflowClient()
    try:
        for name, version in zip((PREPROCESSOR, MODEL), versions, strict=True):
            client.get_model_version(name, str(version))
    except MlflowException as error:
        if error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
            return False
        raise
    return True
