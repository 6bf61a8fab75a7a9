"""Ports of the cluster on the loopback of this machine, for as long as a block lasts."""

import contextlib
import dataclasses
import re
import subprocess
import tempfile
from pathlib import Path

from cluster_tools import tool
from cluster_waits import until

_LINE = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")


@dataclasses.dataclass(frozen=True)
class Address:
    """Where something of the cluster is reached from here; 0 is no port."""

    host: str
    port: int
    grpc_port: int


@contextlib.contextmanager
def forwarded(namespace, target, *ports):
    """Forward *ports* of `svc/NAME` or `pod/NAME`: gives the local ones. It stays on one pod, and ends with that."""
    command = [tool("kubectl"), "-n", namespace.name, "port-forward", target, *(f":{port}" for port in ports)]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("w") as stream:
            process = subprocess.Popen([*command, "--address", "127.0.0.1"], stdout=stream, stderr=stream)
        try:
            yield until(f"port-forward to {target}", lambda: _local(process, log, len(ports)), 60, every=0.05)
        finally:
            process.terminate()
            process.wait(20)


def _local(process, log, number):
    """Read the local ports, once all are there."""
    text = log.read_text()
    assert process.poll() is None, f"kubectl port-forward ended: {text}"
    found = [int(port) for port in _LINE.findall(text)]
    return len(found) == number and found
