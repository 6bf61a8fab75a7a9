"""Feast leaves the metrics of the process where they were."""

import os
import subprocess
import sys

import pytest

SHOW = (
    "import os, twinpin.features.store, prometheus_client.values as values;"
    "print(values.ValueClass.__name__, sorted(name for name in os.environ if name.startswith('PROMETHEUS')))"
)

CLIENT = "import twinpin.pair.registry as registry; registry.MlflowRegistry('http://127.0.0.1:1').client"


@pytest.mark.parametrize(
    "before",
    ["", "import prometheus_client, feast.infra.data_sources.mlflow.auth;", f"{CLIENT};"],
    ids=["first", "after MLflow loaded Feast's plugin", "after our client of MLflow loaded it"],
)
def test_metrics_stay_in_memory(before):
    """Feast's import would put every metric into files of a folder that a pod cannot write."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", before + SHOW], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["MutexValue", "[]"]


def test_a_client_of_mlflow_leaves_feast_alone():
    """MLflow loads Feast's plugin, which needs nothing of it: all of Feast takes as long as MLflow."""
    show = "; import sys; print('feast.feature_store' in sys.modules, 'mlflow.gateway.utils' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CLIENT + show], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["False", "False"]


def test_a_folder_that_somebody_chose_stays(tmp_path):
    """It is not ours to take away."""
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SHOW], capture_output=True, text=True, check=True, env=environment
    )

    assert "'PROMETHEUS_MULTIPROC_DIR'" in done.stdout
