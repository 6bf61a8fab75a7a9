"""Rounds: every server in turn, every other round in reverse; the forecasts are right before and after the load."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from measuring.load import Run, over_grpc, over_http
from measuring.parts import means, totals
from measuring.place import Place
from measuring.processes import cpu_seconds, memory, spent
from measuring.results import Figures, Results, Round
from measuring.roster import SERVERS
from measuring.servers import Server
from measuring.work import KINDS, cases, first_right, gate, infer_request
from twinpin.step.protocol import MODEL_INFER

#: Different requests of a kind.
VARIANTS = 32
#: A load lasts until so many requests are answered: those in flight at its end cost CPU and count for nothing. Eight
#: of each client where CPU is compared.
LEAST, LONGEST = 64, 12.0
#: Seconds over which the CPU of an idle server is read.
IDLE_SECONDS = 2.0
#: A server is quiet when it takes less than this share of a core; one that takes longer than these seconds never is.
QUIET, PATIENCE = 0.2, 20.0


@dataclass(frozen=True)
class Plan:
    """What is measured, how long, and where the figures go."""

    names: list[str]
    rounds: int
    seconds: float
    clients: list[int]
    out: Path


def measure_all(place: Place, plan: Plan, results: Results) -> dict[str, str]:
    """Measure each server once a round; return why a server had to be left out of a round."""
    failures: dict[str, str] = {}
    for number in range(plan.rounds):
        for name in plan.names if number % 2 == 0 else reversed(plan.names):
            try:
                measured = measure(place, name, plan)
            except KeyboardInterrupt:
                return {**failures, name: f"round {number + 1}: interrupted, as is the run"}
            except (RuntimeError, OSError, httpx.HTTPError, subprocess.CalledProcessError) as error:
                failures[name] = f"round {number + 1}: {error}"
                print(f"{name}, {failures[name]}", file=sys.stderr)
                continue
            results.add(name, measured, plan.out)
            said = "round {} {}: started in {start_s:.1f} s, off by {difference:.1e}"
            print(said.format(number + 1, name, **measured["server"]), file=sys.stderr)
    return failures


def measure(place: Place, name: str, plan: Plan) -> Round:
    """Start one server, load it with each kind from each number of clients, and end it."""
    with SERVERS[name](place) as server:
        start = first_right(place.work, server)
        worst = gate(place.work, server)
        idle = idle_percent(server)
        cells: Round = {}
        for kind in KINDS:
            cells |= measure_kind(place, server, kind, plan)
        held = memory(server.launch.pids())
        worst = max(worst, gate(place.work, server))
    cells["server"] = {
        "start_s": start,
        "idle_percent": idle,
        "pss_mib": held.total,
        "largest_mib": held.largest,
        "difference": worst,
    }
    return cells


def measure_kind(place: Place, server: Server, kind: str, plan: Plan) -> Round:
    """Load one kind, over HTTP and, where the server has it, gRPC."""
    requests = write_requests(place, server, {kind: VARIANTS})
    warm = over_http(server.url, requests, 4, 1)
    cells = {}
    for count in plan.clients:
        seconds = long_enough(warm, count, plan.seconds)
        cells[f"{kind}/{count}"] = cell(server, partial(over_http, server.url, requests, count, seconds))
        if server.grpc:
            raw = [infer_request(case["body"]) for case in cases(place.work, kind)]
            load = partial(over_grpc, server.grpc, MODEL_INFER, raw, count, seconds)
            cells[f"grpc {kind}/{count}"] = cell(server, load)
    return cells


def write_requests(place: Place, server: Server, mix: Mapping[str, int]) -> Path:
    """Write so many requests of each kind as the server is asked, for wrk, the kinds evenly spread."""
    lines = []
    for kind, count in mix.items():
        asked = [server.dialect(case) for case in cases(place.work, kind)[:count]]
        lines += [(turn / len(asked), f"{path}\t{json.dumps(body)}\n") for turn, (path, body) in enumerate(asked)]
    file = place.work / "requests.tsv"
    file.write_text("".join(line for _, line in sorted(lines)))
    return file


def long_enough(warm: Run, clients: int, seconds: float) -> float:
    """Return how long a load lasts, by how the server answered four clients."""
    each = warm.seconds / max(warm.requests, 1)
    return max(seconds, min(LONGEST, min(8 * clients, LEAST) * each))


def cell(server: Server, load: Callable[[], Run]) -> Figures:
    """Run one load; return its figures with the CPU that the server's processes spent per request, in ms."""
    settle(server)
    steps, before = totals(server.steps), cpu_seconds(server.launch.pids())
    run = load()
    used = spent(before, cpu_seconds(server.launch.pids()))
    if run.errors or not run.requests:
        raise RuntimeError(f"{run.errors} of {run.requests} requests failed")
    mean_ms = 1e3 * run.seconds / run.requests
    return {**vars(run), "mean_ms": mean_ms, "cpu_ms": 1e3 * used / run.requests, **means(steps, totals(server.steps))}


def settle(server: Server) -> None:
    """Wait until what the last load left behind is done."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and _share(server, 0.2) > QUIET:
        pass


def idle_percent(server: Server) -> float:
    """Return the CPU that the server takes without requests, in percent of a core."""
    settle(server)
    return 100 * _share(server, IDLE_SECONDS)


def _share(server: Server, seconds: float) -> float:
    before = cpu_seconds(server.launch.pids())
    time.sleep(seconds)
    return spent(before, cpu_seconds(server.launch.pids())) / seconds
