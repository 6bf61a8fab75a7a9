"""CPU time and memory of a server's processes, as Linux accounts them in /proc, wherever they detached to."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")

#: Variable whose value marks the processes of one server: children inherit it, also those that detach.
MARK = "BENCH_MARK"


@dataclass(frozen=True)
class Memory:
    """Proportional set size in MiB, where a shared page counts once: of all processes, and of the largest."""

    total: float
    largest: float


def marked(mark: str, proc: Path = Path("/proc")) -> set[int]:
    """Return the processes that were started with the mark."""
    wanted = f"{MARK}={mark}".encode()
    return {pid for pid in _pids(proc) if wanted in _read(proc / str(pid) / "environ").split(b"\0")}


def members(mark: str, proc: Path = Path("/proc")) -> set[int]:
    """Return the marked processes and their descendants: a process title may be written over the environment."""
    parents = {pid: int(fields[1]) for pid in _pids(proc) if (fields := _stat(pid, proc))}
    found = marked(mark, proc)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def cpu_seconds(pids: Iterable[int]) -> dict[int, float]:
    """Return user and system time of each process that still runs, in seconds."""
    stats = {pid: _stat(pid) for pid in pids}
    return {pid: (int(f[11]) + int(f[12])) / TICKS_PER_SECOND for pid, f in stats.items() if f}


def spent(before: dict[int, float], after: dict[int, float]) -> float:
    """Return the CPU seconds between two readings; a process that came meanwhile counts whole."""
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())


def memory(pids: Iterable[int]) -> Memory:
    """Return what the processes hold now."""
    sizes = []
    for pid in pids:
        lines = _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines()
        sizes.append(sum(int(line.split()[1]) for line in lines if line.startswith(b"Pss:")) / 1024)
    return Memory(sum(sizes), max(sizes, default=0.0))


def _pids(proc: Path) -> list[int]:
    return [int(entry.name) for entry in proc.iterdir() if entry.name.isdigit()]


def _stat(pid: int, proc: Path = Path("/proc")) -> list[str]:
    """Fields of /proc/PID/stat from the state on; empty where the process ended."""
    return _read(proc / str(pid) / "stat").decode(errors="replace").rpartition(")")[2].split()


def _read(path: Path) -> bytes:
    """Return a file of /proc; nothing where the process ended, or belongs to another user."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
