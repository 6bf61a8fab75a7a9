"""An empty registry for each test: a copy of a SQLite database that was migrated once."""

import shutil

import pytest
from mlflow import MlflowClient
from pairs import Pairs

from twinpin.pair.registry import MlflowRegistry
from twinpin.pair.settings import Settings


def pytest_collection_modifyitems(config, items):
    """MLflow's own code raises warnings about itself."""
    config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning:(mlflow|pydantic|sqlalchemy|alembic).*")


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    """Migrate one database: it takes seconds, and a copy takes none."""
    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{folder}/mlflow.db"
    MlflowClient(tracking_uri=uri, registry_uri=uri).search_registered_models()
    return folder / "mlflow.db"


@pytest.fixture
def pairs(empty_database, tmp_path):
    """A registry of one's own, and a maker of pairs in it."""
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    return Pairs(f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "trees")


@pytest.fixture
def registry(pairs):
    """The registry as Twinpin sees it."""
    return MlflowRegistry(pairs.uri)


@pytest.fixture
def settings(pairs, tmp_path):
    """Settings of one pod in that registry."""
    return Settings(registry_uri=pairs.uri, pair_dir=tmp_path / "pair", resolve_deadline=0.0)
