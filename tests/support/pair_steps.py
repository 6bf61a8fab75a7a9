"""The two steps of a pair folder, each in a process of its own, as `twinpin step` runs them in a pod."""

import contextlib
import json
import os
import subprocess
import sys
import time

START = 90  # seconds; importing kserve and MLflow takes most of it on a busy machine
PROGRAM = "from twinpin.cli import main; main()"


@contextlib.contextmanager
def step_process(name, pair_dir, scratch, *flags):
    """Serve one step of a pair folder on free ports, and give its base URL."""
    log = scratch / f"{name}.log"
    command = [sys.executable, "-c", PROGRAM, "step", name, "--pair-dir", str(pair_dir), "--host", "127.0.0.1"]
    with log.open("w") as stream:
        process = subprocess.Popen(
            [*command, "--http-port", "0", "--grpc-port", "0", *flags],
            stdout=stream,
            stderr=stream,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
    try:
        yield f"http://127.0.0.1:{_port(process, log)}"
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _port(process, log):
    """Wait for the line that tells the ports."""
    deadline = time.monotonic() + START
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_text().splitlines():
            if '"message":"serving"' in line:
                return json.loads(line)["http_port"]
        time.sleep(0.05)
    raise AssertionError(f"the step did not start:\n{log.read_text()}")
