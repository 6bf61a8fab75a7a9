"""Run every server in interleaved rounds: the forecasts must be right first, then the load, then the table."""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from importlib.metadata import version
from pathlib import Path

from measuring.load import Run, over_grpc, over_http
from measuring.parts import means, totals
from measuring.processes import cpu_seconds, memory_mb, tree
from measuring.report import cpu_table, latency_table, parts_table
from measuring.servers import Bench, Server, floor, free_port, graph, one_process
from measuring.work import KINDS, cases, gate, infer_request
from twinpin.step.protocol import MODEL_INFER

HOME = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "twinpin" / "bench"

#: One load: counts, seconds and ms by name.
Figures = dict[str, float]
Start = Callable[[Bench], AbstractContextManager[Server]]
SERVERS: dict[str, Start] = {
    "floor": floor,
    "serve": one_process,
    "graph": partial(graph, mode="graph"),
    "direct": partial(graph, mode="direct"),
}


def main() -> None:
    """Parse the command line, make the fixture once, measure, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", default=",".join(SERVERS), help="which of: " + ", ".join(SERVERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each load")
    parser.add_argument("--clients", default="1,8,32")
    parser.add_argument("--router", type=Path, help="KServe's router; default: what hack/router builds")
    parser.add_argument("--out", type=Path, default=HOME / "results.json")
    arguments = parser.parse_args()
    for tool in ("redis-server", "wrk"):
        if not shutil.which(tool):
            raise SystemExit(f"{tool} is missing: apt-get install {tool}")
    HOME.mkdir(parents=True, exist_ok=True)
    names = arguments.servers.split(",")
    clients = [int(each) for each in arguments.clients.split(",")]
    router = arguments.router or (built_router() if "graph" in names else None)
    port = free_port()
    redis = subprocess.Popen(
        ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(HOME)],
        stdout=subprocess.DEVNULL,
    )
    try:
        bench = Bench(HOME / "work", f"127.0.0.1:{port}", router, HOME)
        make_fixture(bench)
        results = rounds(bench, names, arguments)
    finally:
        redis.terminate()
        redis.wait()
    print(header(arguments.rounds, arguments.seconds))
    tables = cpu_table(results, KINDS, 8), latency_table(results, KINDS, clients), parts_table(results, KINDS)
    print(*tables, sep="\n\n")


def built_router() -> Path:
    """Build KServe's router, or find it built, with hack/router; its last line is the path."""
    script = Path(__file__).parents[2] / "hack" / "router"
    done = subprocess.run([script], stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.strip().splitlines()[-1])


def make_fixture(bench: Bench) -> None:
    """Train, register and fill: the store lives in memory, so each run fills it anew."""
    shutil.rmtree(bench.work, ignore_errors=True)
    bench.work.mkdir(parents=True)
    print("fixture: training the pair and filling the store (about 30 s)", file=sys.stderr)
    environment = {**bench.environment, "MLFLOW_TRACKING_URI": f"sqlite:///{bench.work}/mlflow.db"}
    command = [sys.executable, "-P", str(Path(__file__).parent / "fixture.py")]
    with (bench.logs / "fixture.log").open("wb") as log:
        subprocess.run(command, cwd=bench.work, env=environment, stdout=log, stderr=log, check=True)


def rounds(bench: Bench, names: list[str], arguments: argparse.Namespace) -> dict[str, list[dict[str, Figures]]]:
    """Measure each server once a round, every other round in reverse order."""
    clients = [int(each) for each in arguments.clients.split(",")]
    results: dict[str, list[dict[str, Figures]]] = {name: [] for name in names}
    for number in range(arguments.rounds):
        for name in names if number % 2 == 0 else reversed(names):
            begun = time.monotonic()
            with SERVERS[name](bench) as server:
                worst = gate(bench.work, server)
                started = time.monotonic() - begun
                results[name].append(measure(bench, server, clients, arguments.seconds))
                gate(bench.work, server)
            print(f"round {number + 1} {name}: started in {started:.1f} s, off by {worst:.1e}", file=sys.stderr)
        arguments.out.write_text(json.dumps(results, indent=1))
    return results


def measure(bench: Bench, server: Server, clients: list[int], seconds: float) -> dict[str, Figures]:
    """Load each kind at each number of clients, over HTTP and, where the server has it, gRPC."""
    cells = {}
    for kind in KINDS:
        path = cases(bench.work, kind)[0]["path"]
        bodies = bench.work / f"{kind}.jsonl"
        bodies.write_text("".join(json.dumps(case["body"]) + "\n" for case in cases(bench.work, kind)))
        over_http(server.url + path, bodies, 4, 1)  # warm-up
        for count in clients:
            cells[f"{kind}/{count}"] = cell(server, partial(over_http, server.url + path, bodies, count, seconds))
            if server.grpc:
                raw = [infer_request(case["body"]) for case in cases(bench.work, kind)]
                load = partial(over_grpc, server.grpc, MODEL_INFER, raw, count, seconds)
                cells[f"grpc {kind}/{count}"] = cell(server, load)
    cells["memory"] = {"pss_mb": memory_mb(tree(server.pids))}
    return cells


def cell(server: Server, load: Callable[[], Run]) -> Figures:
    """Run one load; return its figures with the CPU that the server's processes spent per request, in ms."""
    pids = tree(server.pids)
    steps, before = totals(server.steps), cpu_seconds(pids)
    run = load()
    spent = sum(after - before.get(pid, 0.0) for pid, after in cpu_seconds(pids).items())
    if run.errors or not run.requests:
        raise SystemExit(f"{server.url}: {run.errors} of {run.requests} requests failed")
    mean_ms = 1e3 * run.seconds / run.requests
    return {**vars(run), "mean_ms": mean_ms, "cpu_ms": 1e3 * spent / run.requests, **means(steps, totals(server.steps))}


def header(count: int, seconds: float) -> str:
    """Say on what and how the figures were measured."""
    names = ("twinpin", "kserve", "feast", "xgboost-cpu", "numpy")
    packages = ", ".join(f"{name} {version(name)}" for name in names)
    return (
        f"{os.cpu_count()} cores, Python {platform.python_version()}, {packages}; medians of {count} interleaved "
        f"rounds of {seconds:g} s; one compute thread per process; load by wrk (HTTP) and a Python client (gRPC) on "
        "the same cores.\n"
    )


if __name__ == "__main__":
    main()
