"""One MLflow server for all tests of the pair; each test has an alias of its own."""

import uuid

import pytest
from mlflow_server import MlflowServer
from pairs import Pairs

from twinpin.pair.settings import Settings


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A server that every test may read and write, and none may stop."""
    server = MlflowServer(tmp_path_factory.mktemp("server")).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def pairs(server, tmp_path_factory):
    """A maker of pairs on that server."""
    return Pairs(server.uri, tmp_path_factory.mktemp("pairs"))


@pytest.fixture
def alias():
    """An alias that no other test moves."""
    return f"test-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def settings(server, alias, tmp_path):
    """Settings of one pod."""
    return Settings(registry_uri=server.uri, alias=alias, pair_dir=tmp_path / "pair", resolve_deadline=0.0)
