"""Endurance: memory of a server over a long mixed load, so that a leak or a heap that grows is seen."""

import re
import time
from pathlib import Path

import httpx

from measuring.load import over_http
from measuring.place import Place
from measuring.processes import memory
from measuring.roster import Start
from measuring.rounds import settle, write_requests
from measuring.servers import Server
from measuring.work import KINDS, first_right, gate

#: Requests between two readings, and clients that send them.
INTERVAL, CLIENTS = 50_000, 8
#: Of a hundred requests: 32 of each brief kind, and 4 of a hundred entities.
MIX = dict(zip(KINDS, (32, 32, 32, 4), strict=True))
#: Seconds of the first load, which tells how long the next must be; and of the longest, as the machine's pace changes.
FIRST, LONGEST = 5.0, 15.0
#: Sample of the garbage collector that every server of Twinpin exports: collections of the oldest generation.
_FULL = re.compile(r'^python_gc_collections_total\{generation="2"\} (\S+)$', re.MULTILINE)


def endure(place: Place, name: str, start: Start, requests: int, minutes: float) -> None:
    """Print a row every INTERVAL requests until they are answered or the time is over."""
    print(f"| {name}: requests | minutes | requests/s | p99 ms | PSS MiB | largest process, MiB | full collections |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with start(place) as server:
        first_right(place.work, server)
        begun, answered = time.monotonic(), 0
        until = begun + 60 * minutes
        asked = write_requests(place, server, MIX)
        _print_row(server, [f"{answered:,}", "0", "", ""])
        while answered < requests and time.monotonic() < until:
            count, seconds, p99 = _interval(server, asked, min(INTERVAL, requests - answered), until)
            answered += count
            spent = f"{(time.monotonic() - begun) / 60:.1f}"
            _print_row(server, [f"{answered:,}", spent, f"{count / seconds:.0f}", f"{p99:.1f}"])
        gate(place.work, server)


def _interval(server: Server, asked: Path, requests: int, until: float) -> tuple[int, float, float]:
    """Load until so many requests are answered; return how many were, the seconds, and the worst p99 in ms."""
    answered, spent, worst, duration = 0, 0.0, 0.0, FIRST
    while True:
        run = over_http(server.url, asked, CLIENTS, max(duration, 1))
        if run.errors or not run.requests:
            raise SystemExit(f"{server.url}: {run.errors} of {run.requests} requests failed")
        answered, spent, worst = answered + run.requests, spent + run.seconds, max(worst, run.p99_ms)
        left = until - time.monotonic()
        if answered >= requests or left <= 0:
            return answered, spent, worst
        duration = min((requests - answered) / (answered / spent), left, LONGEST)


def _print_row(server: Server, cells: list[str]) -> None:
    """Read what the server holds once it is quiet."""
    settle(server)
    held = memory(server.launch.pids())
    pages = [httpx.get(f"{url}/metrics").text for url in server.steps]
    full = sum(float(value) for page in pages for value in _FULL.findall(page))
    print(f"| {' | '.join([*cells, f'{held.total:.1f}', f'{held.largest:.1f}', f'{full:.0f}'])} |", flush=True)
