"""The three real steps as `twinpin step` runs them, each in its own process, and the graph that names them."""

import contextlib
import dataclasses
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

from served_world import ALIAS, MODEL, PREPROCESSOR
from small_server import surroundings

from twinpin.graph.document import InferenceGraph, builtin, load
from twinpin.pair.resolve import resolve
from twinpin.pair.settings import Settings as PairSettings

TWINPIN = str(Path(sys.executable).with_name("twinpin"))
#: Addresses of this machine alone: the steps share one gRPC port, as pods do, so each needs an address of its own.
HOSTS = {"features": "127.0.0.1", "preprocess": "127.0.0.2", "predict": "127.0.0.3"}
PATIENCE = 90.0


@dataclasses.dataclass
class Fleet:
    """Three running steps."""

    processes: dict[str, subprocess.Popen]
    http_port: int
    grpc_port: int
    folder: Path

    def graph(self) -> InferenceGraph:
        """The built-in document with these addresses in it."""
        text = builtin().text()
        for name, host in HOSTS.items():
            text = text.replace(f"http://{name}/", f"http://{host}:{self.http_port}/")
        return load(text)

    def lines(self, name: str) -> list[dict]:
        """What one has logged so far."""
        return _lines(self.folder / f"{name}.log")

    def kill(self, name: str) -> None:
        """End one as a crash would."""
        self.processes[name].kill()
        self.processes[name].wait(20)


@contextlib.contextmanager
def fleet(world, folder, *more, **environment):
    """Resolve the pair, start the steps at once and wait until all are ready; *more* flags for each."""
    pair_dir = folder / "pair"
    resolve(
        PairSettings(
            registry_uri=world.registry,
            preprocessor_name=PREPROCESSOR,
            model_name=MODEL,
            alias=ALIAS,
            pair_dir=pair_dir,
        )
    )
    ports = [_free_on_all(), _free_on_all()]
    flags = {
        "features": ["--feature-repo", world.repo, "--feature-service", "sea", "--default-entity", "2"],
        "preprocess": ["--pair-dir", pair_dir, "--model_name", "preprocess", "--predictor_host", "nobody"],
        "predict": ["--pair-dir", pair_dir],
    }
    processes = {}
    try:
        for name, own in flags.items():
            listen = ["--host", HOSTS[name], "--http-port", ports[0], "--grpc-port", ports[1]]
            log = (folder / f"{name}.log").open("w")
            command = [TWINPIN, "step", name, *map(str, [*own, *listen, *more])]
            processes[name] = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=folder, env=surroundings() | environment
            )
            log.close()
        for name, process in processes.items():
            _await_serving(process, folder / f"{name}.log")
        yield Fleet(processes, *ports, folder)
    finally:
        for process in processes.values():
            if process.poll() is None:
                process.kill()
            process.wait(20)


def _lines(log):
    """Read a log."""
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def _await_serving(process, log):
    """Wait for the line that tells the ports."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        if any(line["message"] == "serving" for line in _lines(log)):
            return
        time.sleep(0.05)
    raise AssertionError(f"the step did not start:\n{log.read_text()[-3000:]}")


def _free_on_all():
    """Find a port that nobody listens on at any of the addresses."""
    while True:
        with contextlib.ExitStack() as held:
            probes = [held.enter_context(socket.socket()) for _ in HOSTS]
            port = 0
            try:
                for probe, host in zip(probes, HOSTS.values(), strict=True):
                    probe.bind((host, port))
                    port = probe.getsockname()[1]
            except OSError:
                continue
            return port
