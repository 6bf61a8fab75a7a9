"""CPU time and memory of a server's whole process tree, as Linux accounts them in /proc."""

import os
from collections.abc import Iterable
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def tree(roots: Iterable[int]) -> set[int]:
    """Return the processes *roots* and all their descendants."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            parents[int(entry.name)] = int(fields[1])
    found = set(roots)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def cpu_seconds(pids: Iterable[int]) -> dict[int, float]:
    """Return user and system time of each process that still runs, in seconds."""
    stats = {pid: _stat(pid) for pid in pids}
    return {pid: (int(f[11]) + int(f[12])) / TICKS_PER_SECOND for pid, f in stats.items() if f}


def memory_mb(pids: Iterable[int]) -> float:
    """Return the proportional set size (PSS) of all processes together, in MiB: a shared page counts once."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:  # it ended meanwhile
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on; empty where the process ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []
