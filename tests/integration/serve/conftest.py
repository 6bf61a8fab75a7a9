"""A registered pair and a filled feature store that the demo did not make."""

import pair_folders  # noqa: F401 -- imports MLflow with its warnings off
import pytest


def pytest_configure(config):
    """XGBoost and MLflow warn of their own calls of one another."""
    config.addinivalue_line("filterwarnings", "ignore::FutureWarning:mlflow.*")
    config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning:mlflow.*")
    # SQLAlchemy warns of MLflow's own mappers.
    config.addinivalue_line("filterwarnings", "ignore:The ``noload`` loader strategy is deprecated")


@pytest.fixture(scope="package")
def world(tmp_path_factory):
    """The world, made once."""
    from served_world import make_world  # noqa: PLC0415 -- Feast takes four seconds to import

    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="package")
def server(world):
    """`twinpin serve` on it, for the tests that do not stop it."""
    with world.serve("shared") as running:
        yield running
