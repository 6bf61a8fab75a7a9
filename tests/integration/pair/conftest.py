"""One MLflow server and one API server for all tests of the pair; each test has an alias and a namespace of its own."""

import os
import uuid

import pytest
from api_server import LocalApiServer, program
from mlflow_server import MlflowServer
from pairs import Pairs
from pin_release import Release

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


@pytest.fixture(scope="session")
def local_api(tmp_path_factory):
    """An API server without controllers: nothing happens in it but what a test does."""
    missing = [name for name in ("etcd", "kube-apiserver", "kubectl") if program(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: hack/cluster/build makes them from Go modules")
    server = LocalApiServer(tmp_path_factory.mktemp("api")).start()
    yield server.kubeconfig
    server.stop()


@pytest.fixture(scope="session")
def kubeconfig(request):
    """An administrator's kubeconfig: of the cluster that --cluster allows, else of an API server of our own."""
    if request.config.getoption("--cluster"):
        return os.environ["KUBECONFIG"]
    return request.getfixturevalue("local_api")


@pytest.fixture
def release(kubeconfig, tmp_path):
    """A release of one's own."""
    release = Release(kubeconfig, tmp_path)
    yield release
    release.close()


@pytest.fixture
def account(release, monkeypatch):
    """Become the account of that release, with the rights that the chart gives it."""
    release.grant()
    monkeypatch.setenv("KUBECONFIG", str(release.login()))
    return release
