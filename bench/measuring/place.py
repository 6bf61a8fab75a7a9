"""Place: what all servers of one run share, and the variables that each of them is started with."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HOME = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "twinpin" / "bench"


@dataclass(frozen=True)
class Place:
    """The fixture's folder, the address of Redis, the router's binary, and the folder of the logs."""

    work: Path
    redis: str
    router: Path | None = None
    logs: Path = HOME

    @property
    def environment(self) -> dict[str, str]:
        """Variables for all: one compute thread per process, since the cores are shared, and no telemetry."""
        return {
            **os.environ,
            "BENCH_REDIS": self.redis,
            "BENCH_WORK": str(self.work),
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "",  # or a start would compile every module anew
            "MLFLOW_TRACKING_URI": f"sqlite:///{self.work}/mlflow.db",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }


def free_port() -> int:
    """Return a loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Run a Redis that keeps nothing on disk; give its address."""
    port = free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
