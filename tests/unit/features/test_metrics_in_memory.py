"""Feast leaves the metrics of the process where they were."""

import os
import subprocess
import sys

import pytest

SHOW = (
    "import os, twinpin.features.store, prometheus_client.values as values;"
    "print(values.ValueClass.__name__, sorted(name for name in os.environ if name.startswith('PROMETHEUS')))"
)


@pytest.mark.parametrize(
    "before",
    ["", "import prometheus_client, feast.infra.data_sources.mlflow.auth;"],
    ids=["first", "after MLflow loaded Feast's plugin"],
)
def test_metrics_stay_in_memory(before):
    """Feast's import would put every metric into files of a folder that a pod cannot write."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", before + SHOW], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["MutexValue", "[]"]


def test_a_folder_that_somebody_chose_stays(tmp_path):
    """It is not ours to take away."""
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SHOW], capture_output=True, text=True, check=True, env=environment
    )

    assert "'PROMETHEUS_MULTIPROC_DIR'" in done.stdout
