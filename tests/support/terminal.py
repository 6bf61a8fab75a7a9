"""A terminal of a reader: one shell that keeps its folder and variables, and servers that run beside it."""

import contextlib
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from mlflow_server import free_port

_ENDED = "__ended__"
_STATUS = f"{{ __status=$?; echo; echo {_ENDED} $__status; }}"


class Terminal:
    """Types commands into bash. Ports that pages name are replaced by free ones, since theirs may be taken here."""

    def __init__(self, folder, logs, ports, **environment):
        self._logs = logs
        self._ports = {str(port): str(free_port()) for port in ports}
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env=_readers() | environment,
            start_new_session=True,
        )
        self._lines = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._servers = []
        # The shell ends with its input, also where the tests are killed, and takes its servers along.
        self.type("set -o pipefail; trap 'kill 0' EXIT")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """End the shell, and with it all that it started; what does not end by itself is killed."""
        self._bash.stdin.close()
        until = time.monotonic() + 20
        while self._alive() and time.monotonic() < until:
            time.sleep(0.1)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.wait(30)
        self._reader.join(30)
        self._bash.stdout.close()

    def _alive(self):
        """Whether any process of the shell's is left."""
        self._bash.poll()
        try:
            os.killpg(self._bash.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def port(self, named):
        """The port that stands for one that a page names."""
        return self._ports[str(named)]

    def type(self, command, seconds=600):
        """Run a command to its end; returns its exit status and what it printed."""
        self._bash.stdin.write(f"{self._here(command)}\n{_STATUS}\n")
        self._bash.stdin.flush()
        printed, until = [], time.monotonic() + seconds
        while True:
            line = self._lines.get(timeout=max(0.1, until - time.monotonic()))
            if line is None:
                raise AssertionError(f"the shell ended in {command}:\n{''.join(printed)}")
            if line.startswith(_ENDED):
                return int(line.split()[1]), self._there("".join(printed))
            printed.append(line)

    def serve(self, command, port, shown, seconds=300):
        """Start a server as in a terminal of its own; returns when it listens and showed its lines."""
        log = self._logs / f"server-{len(self._servers)}.log"
        status, printed = self.type(f"{command} > {log} 2>&1 & echo pid $!")
        assert status == 0, printed
        self._servers.append(int(re.search(r"pid (\d+)", printed)[1]))
        until = time.monotonic() + seconds
        while not (self._listens(port) and all(shows(self._there(log.read_text()), line) for line in shown)):
            if time.monotonic() > until or not Path(f"/proc/{self._servers[-1]}").exists():
                raise AssertionError(f"{command} does not serve and show {shown}:\n{log.read_text()}")
            time.sleep(0.3)

    def _listens(self, port):
        """Whether anybody takes connections at the port that a page names."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", int(self.port(port)))) == 0

    def _read(self):
        """Collect what the shell and its commands print."""
        for line in self._bash.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _here(self, command):
        """Put free ports for those that the page names."""
        return re.sub(r"\b\d{4}\b", lambda found: self._ports.get(found[0], found[0]), command)

    def _there(self, printed):
        """Put the page's ports back."""
        for named, ours in self._ports.items():
            printed = printed.replace(ours, named)
        return printed


def _readers():
    """The environment of a reader: nothing of the one in which the tests run."""
    own = {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONSAFEPATH", "PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE"}
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in own and not name.startswith(("MLFLOW_", "TWINPIN_", "UV_PROJECT", "UV_PYTHON"))
    }
    folders = [folder for folder in kept["PATH"].split(os.pathsep) if folder != str(Path(sys.executable).parent)]
    return kept | {"PATH": os.pathsep.join(folders)}


def shows(printed, line):
    """Whether a line that a page shows was printed: numbers and ids may differ, and … stands for anything."""
    parts = re.split(r"(…|p\d+-m\d+-[0-9a-f]{6}|\d[\d.:TZ-]*)", line.strip())
    pattern = "".join(re.escape(part) if place % 2 == 0 else _wild(part) for place, part in enumerate(parts))
    return re.search(pattern, printed) is not None


def _wild(part):
    """What may stand for a number, an id or an ellipsis."""
    if part == "…":
        return ".*"
    return r"p\d+-m\d+-[0-9a-f]{6}" if part.startswith("p") else r"[\d.:TZ-]+"
