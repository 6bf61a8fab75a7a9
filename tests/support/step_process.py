"""A step's server in a process of its own, as a container runs it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import echo_step

START = 60  # seconds; importing kserve takes most of it on a busy machine


@dataclass
class StepProcess:
    """A running server, its ports and its folder."""

    process: subprocess.Popen
    folder: Path
    http_port: int
    grpc_port: int

    @property
    def url(self):
        """Base of REST."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def target(self):
        """Address of gRPC."""
        return f"127.0.0.1:{self.grpc_port}"

    def terminate(self):
        """Ask it to stop, as the kubelet does."""
        self.process.send_signal(signal.SIGTERM)

    def lines(self):
        """What it has logged so far."""
        return [json.loads(line) for line in (self.folder / "log").read_text().splitlines() if line.startswith("{")]


def _serving(process, log):
    """Wait for the line that tells the ports."""
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        for line in log.read_text().splitlines():
            if '"message":"serving"' in line:
                return json.loads(line)
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise AssertionError(f"the server did not start:\n{log.read_text()}")


@contextlib.contextmanager
def serving(folder, **settings):
    """Serve the echo step on free ports until the end of the block."""
    folder.mkdir(exist_ok=True)
    log = folder / "log"
    given = {"host": "127.0.0.1", "http_port": 0, "grpc_port": 0} | settings
    command = [sys.executable, echo_step.__file__, str(folder), *(f"{key}={value}" for key, value in given.items())]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(Path(__file__).parent), os.environ.get("PYTHONPATH")]))
    }
    with log.open("w") as stream:
        process = subprocess.Popen(command, stderr=stream, stdout=stream, env=environment)
    try:
        line = _serving(process, log)
        yield StepProcess(process, folder, line["http_port"], line["grpc_port"])
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
