"""A measurement runs from its one command, and prints what docs/performance.md shows."""

import shutil
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).parents[3] / "bench" / "run"


@pytest.mark.redis
@pytest.mark.timeout(900)
@pytest.mark.skipif(not shutil.which("wrk") or not shutil.which("redis-server"), reason="needs wrk and redis-server")
def test_a_measurement_prints_its_tables(tmp_path):
    """One round of one second; what the figures are is not for a test to say."""
    brief = ["--servers", "floor", "--rounds", "1", "--seconds", "1", "--out", tmp_path / "results.json"]
    done = subprocess.run([RUN, *brief], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr[-3000:]
    for head in (
        "| CPU ms per request, 8 clients |",
        "| p50 / p99 ms |",
        "| server | rounds | start to right answers, s |",
    ):
        assert head in done.stdout
