"""A real MLflow server on a free port of the loopback, and a gate that asks for credentials or cuts answers."""

import http.client
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

#: Seconds that a cold start may take on a busy machine.
PATIENCE = 180


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


class Gate:
    """A reverse proxy before a server: it may require a header, and cut the bodies of some answers in half."""

    def __init__(self, port, *, require=None, cut=None):
        self.require, self.cut = require, cut
        self.cuts = 0
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler(port))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.uri = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(gate, port):  # noqa: N805 -- two selves
        """Make the class of the handler, which forwards to *port*."""

        class Handler(http.server.BaseHTTPRequestHandler):
            """Forwards one request."""

            def forward(self):
                """Ask the server, unless the header that is required is not there."""
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if gate.require and self.headers.get("Authorization") != gate.require:
                    self._answer(401, b"You are not authenticated.", {})
                    return
                behind = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                behind.request(self.command, self.path, body, {**self.headers, "Connection": "close"})
                answer = behind.getresponse()
                content = answer.read()
                behind.close()
                self._answer(answer.status, content, {"Content-Type": answer.getheader("Content-Type", "text/plain")})

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = forward  # noqa: N815 -- http.server's names

            def _answer(self, status, content, headers):
                """Answer in full, or claim the full length and break off in the middle."""
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                if gate.cut and gate.cut(self.path):
                    gate.cuts += 1
                    content = content[: len(content) // 2]
                    self.close_connection = True
                self.wfile.write(content)

            def log_message(self, *_):
                """Say nothing."""

        return Handler
