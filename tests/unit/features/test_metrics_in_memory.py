"""Feast leaves the metrics of the process where they were."""

import subprocess
import sys


def test_metrics_stay_in_memory():
    """Feast's import would put every metric into files of a folder that a pod cannot write."""
    code = (
        "import os, twinpin.features.store, prometheus_client.values as values;"
        "print(values.ValueClass.__name__, [name for name in os.environ if name.startswith('PROMETHEUS')])"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["MutexValue", "[]"]
