"""What every test gets: a clean command line, a clean environment."""

import os
import sys

import prometheus_client  # noqa: F401 -- before a test imports Feast, which would move all metrics into files
import pytest

# kserve parses the host's argv when it is imported and exits on flags that it reads as its own.
sys.argv[1:] = []

SCRUBBED = ("TWINPIN_", "MLFLOW_", "FEAST_", "AWS_", "KSERVE_", "OTEL_", "PROMETHEUS_")


def pytest_addoption(parser):
    """Tests that fill a cluster run only where somebody says that they may."""
    parser.addoption("--cluster", action="store_true", help="run the tests that need the cluster at KUBECONFIG")


def pytest_collection_modifyitems(config, items):
    """Say of each test that was left out how to run it."""
    if not config.getoption("--cluster"):
        for item in items:
            if item.get_closest_marker("cluster"):
                item.add_marker(pytest.mark.skip(reason="needs a cluster: run with KUBECONFIG set and --cluster"))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    """A test sees no setting of the shell that runs it."""
    for name in list(os.environ):
        if name.startswith(SCRUBBED):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("FEAST_USAGE", "False")


@pytest.fixture(autouse=True, scope="module")
def clean_mlflow():
    """No module finds the tracking server of another: MLflow keeps its address in the process."""
    yield
    if (mlflow := sys.modules.get("mlflow")) is not None:
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)
