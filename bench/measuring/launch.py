"""Launch: starts the processes of one server, finds all that came of them, and ends them all."""

import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from measuring.place import Place
from measuring.processes import MARK, marked, members

#: Seconds to end by themselves after SIGTERM.
GRACE = 15


class Launch:
    """The processes of one server, all of which carry its mark."""

    def __init__(self, place: Place, name: str) -> None:
        self.place = place
        self.name = name
        self.begun = time.monotonic()
        self.mark = uuid.uuid4().hex
        self._started: list[tuple[subprocess.Popen[bytes], signal.Signals]] = []

    def start(
        self,
        part: str,
        command: Sequence[str | Path],
        ending: signal.Signals = signal.SIGTERM,
        cwd: Path | None = None,
        **variables: str,
    ) -> subprocess.Popen[bytes]:
        """Start one command, its output in a log of its own."""
        process = self._spawn(part, command, cwd, variables)
        self._started.append((process, ending))
        return process

    def run(self, part: str, command: Sequence[str | Path], **variables: str) -> None:
        """Run one command to its end, as an init container."""
        if code := self._spawn(part, command, None, variables).wait():
            raise RuntimeError(f"{part} ended with {code}; see {self._log(part)}")

    def pids(self) -> set[int]:
        """Return every process of this server."""
        return members(self.mark)

    def check(self) -> None:
        """Fail where a process ended by itself."""
        for process, _ in self._started:
            if process.poll() is not None:
                raise RuntimeError(f"{process.args} ended with {process.returncode}; see {self._log('*')}")

    def end(self) -> None:
        """Ask every process to end, wait, and kill what is still there and carries the mark."""
        for process, ending in self._started:
            process.send_signal(ending)
        until = time.monotonic() + GRACE
        while marked(self.mark) and time.monotonic() < until:
            self._reap()
            time.sleep(0.05)
        while left := marked(self.mark):  # the kernel takes a moment for each
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
        for process, _ in self._started:
            process.wait()

    def _spawn(
        self, part: str, command: Sequence[str | Path], cwd: Path | None, variables: dict[str, str]
    ) -> subprocess.Popen[bytes]:
        environment = {**self.place.environment, **variables, MARK: self.mark}
        with self._log(part).open("wb") as log:
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=cwd)

    def _reap(self) -> None:
        for process, _ in self._started:
            process.poll()

    def _log(self, part: str) -> Path:
        return self.place.logs / (f"{self.name}-{part}.log" if part else f"{self.name}.log")


@contextmanager
def launching(place: Place, name: str) -> Iterator[Launch]:
    """Give a launch, whose processes are ended with the block."""
    launch = Launch(place, name)
    try:
        yield launch
    finally:
        launch.end()
