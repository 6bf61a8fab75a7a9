"""Ports of the cluster on the loopback of this machine, for as long as a block lasts."""

import contextlib
import dataclasses
import re
import subprocess
import tempfile
import threading
from pathlib import Path

from cluster_tools import tool
from cluster_waits import until

_LINE = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")
#: Seconds between an end of kubectl and its next start.
_PAUSE = 0.2


@dataclasses.dataclass(frozen=True)
class Address:
    """Where something of the cluster is reached from here; 0 is no port."""

    host: str
    port: int
    grpc_port: int


@contextlib.contextmanager
def forwarded(namespace, target, *ports):
    """Forward *ports* of `svc/NAME` or `pod/NAME`: gives the local ones. It stays on one pod for as long as that is."""
    with tempfile.TemporaryDirectory() as folder:
        forward = _Forward(
            ["-n", namespace.name, "port-forward", "--address", "127.0.0.1", target], Path(folder) / "log"
        )
        local = forward.open(ports)
        try:
            yield local
        finally:
            forward.close()


class _Forward:
    """kubectl port-forward, started again on the same ports when it ends: it does when one connection breaks."""

    def __init__(self, words, log):
        self._words, self._log = words, log
        self._over = threading.Event()
        self._keeper = threading.Thread(target=self._keep)
        self._pairs, self._process = [], None

    def open(self, ports):
        """Start it, and learn the local ports."""
        self._start([f":{port}" for port in ports])
        try:
            local = until(f"{' '.join(self._words)}", lambda: self._local(len(ports)), 60, every=0.05)
        except BaseException:
            self._stop()
            raise
        self._pairs = [f"{mine}:{theirs}" for mine, theirs in zip(local, ports, strict=True)]
        self._keeper.start()
        return local

    def close(self):
        """End it for good."""
        self._over.set()
        self._stop()
        self._keeper.join()

    def _keep(self):
        """Start it again whenever it ends."""
        while not self._over.is_set():
            self._process.wait()
            if not self._over.wait(_PAUSE):
                self._start(self._pairs)
        self._stop()

    def _start(self, pairs):
        """Start kubectl."""
        with self._log.open("w") as stream:
            self._process = subprocess.Popen([tool("kubectl"), *self._words, *pairs], stdout=stream, stderr=stream)

    def _stop(self):
        """End kubectl."""
        self._process.terminate()
        self._process.wait(20)

    def _local(self, number):
        """Read the local ports, once all are there."""
        text = self._log.read_text()
        assert self._process.poll() is None, f"kubectl port-forward ended: {text}"
        found = [int(port) for port in _LINE.findall(text)]
        return len(found) == number and found
