"""Controllers outside the cluster: the command of the pod, in processes that a test may kill.

All of them go by the name of this machine, so that the next one has the Lease at once, as a container has that is
started anew in its pod.
"""

import contextlib
import subprocess

from cluster_pairs import TWINPIN
from cluster_waits import until

_LEADS = "This controller has the lease."


class Controller:
    """One process of `twinpin controller`, which tells *log* what it does."""

    def __init__(self, process, log):
        self._process, self._log = process, log

    def await_lease(self):
        """Wait until it works."""
        until("a controller with the lease", self._leads, 90, every=0.05)

    def kill(self):
        """End it as the kernel does where memory ends: it gets no word in."""
        assert self._process.poll() is None, self._log.read_text()
        self._process.kill()
        self._process.wait(20)

    def _leads(self):
        """Whether it said so."""
        text = self._log.read_text()
        assert self._process.poll() is None, text
        return _LEADS in text, text


@contextlib.contextmanager
def controller(mover, folder):
    """Start one for a release; it is killed at the end of the block."""
    release = mover.release
    place = ("--release", release.name, "--namespace", release.namespace.name, "--registry-uri", mover.registrar.uri)
    log = folder / "controller.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [TWINPIN, "controller", *place, *release.pair.names.flags], stdout=stream, stderr=stream
        )
    made = Controller(process, log)
    try:
        yield made
    finally:
        if process.poll() is None:
            made.kill()
