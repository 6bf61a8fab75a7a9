"""A real MLflow server on a free port of the loopback, with its database and its artifacts in a folder."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

#: Seconds that a cold start may take on a busy machine.
PATIENCE = 90


def free_port():
    """Ask the kernel for a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class MlflowServer:
    """One server that may be stopped and started again on the same port and data."""

    def __init__(self, folder, *options, **environment):
        self._folder = Path(folder)
        self._options = options
        self._environment = environment
        self._process = None
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"

    def start(self):
        """Start it, and return when it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        command = [
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)),
            *("--backend-store-uri", f"sqlite:///{self._folder}/mlflow.db", "--serve-artifacts"),
            *("--artifacts-destination", f"file://{self._folder}/artifacts", "--workers", "1", *self._options),
        ]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        environment = {**clean, "MLFLOW_DISABLE_TELEMETRY": "true", **self._environment}
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, cwd=self._folder, start_new_session=True
            )
        self._await()
        return self

    def stop(self):
        """Kill it and its workers, as a crash would."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _await(self):
        """Poll its health."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=2):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.1)
        log = (self._folder / "server.log").read_text()[-3000:]
        self.stop()
        raise RuntimeError(f"The MLflow server did not come up:\n{log}")
