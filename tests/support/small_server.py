"""The gateway over small steps as a real server: `python -P -m small_server [setting=value ...]`."""

import contextlib
import dataclasses
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

SUPPORT = Path(__file__).parent


@dataclasses.dataclass
class Running:
    """A process of ours that serves."""

    process: subprocess.Popen
    port: int
    grpc_port: int
    #: The line that it printed when it was ready.
    line: str

    @property
    def url(self):
        """Its REST address."""
        return f"http://127.0.0.1:{self.port}"

    def stop(self):
        """Ask it to end, as Kubernetes does, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def surroundings():
    """The environment of a process of ours: without the folder for metrics that Feast sets where a test imports it."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith("PROMETHEUS_")}


@contextlib.contextmanager
def started(command, log=None, **environment):
    """Start a server of ours, wait for the line that tells its ports, and end it; *log*: the file that it logs to."""
    with contextlib.nullcontext() if log is None else log.open("w") as stream:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
            env={**surroundings(), "PYTHONPATH": str(SUPPORT), **environment},
        )
    try:
        line = process.stdout.readline()
        found = re.search(r"http://[\w.]+:(\d+), gRPC on [\w.]+:(\d+)", line)
        assert found, f"the server ended with {process.wait(10)} after {line!r}"
        yield Running(process, int(found[1]), int(found[2]), line)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        process.stdout.close()


def small_server(**settings):
    """Start the gateway over small steps."""
    words = [f"{name}={value}" for name, value in settings.items()]
    return started([sys.executable, "-P", "-m", "small_server", *words])


def _setting(word):
    """Read one setting=value."""
    name, _, value = word.partition("=")
    return name, float(value) if "." in value else int(value)


async def _main(settings):
    """Serve until the end, and tell that the steps were closed."""
    from small_steps import PAIR, SmallGraph  # noqa: PLC0415 -- the tests' own process has no need of it

    from twinpin.gateway.beginning import announcement  # noqa: PLC0415

    graph = SmallGraph(**settings)
    await graph.gateway.run(announcement("127.0.0.1", PAIR))
    sys.stdout.write(f"closed {graph.predict.closed}\n")


if __name__ == "__main__":
    from twinpin.step.serving import run

    run(_main(dict(map(_setting, sys.argv[1:]))))
