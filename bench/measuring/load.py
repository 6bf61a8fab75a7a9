"""Closed-loop load: wrk for HTTP, an asyncio client for gRPC; each gives the same five figures."""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import grpc

SCRIPT = Path(__file__).parent.parent / "load.lua"


@dataclass(frozen=True)
class Run:
    """What one load saw: counts, and latencies in ms."""

    requests: int
    seconds: float
    errors: int
    p50_ms: float
    p99_ms: float


def over_http(url: str, requests: Path, clients: int, seconds: float) -> Run:
    """Send the *requests* (a file: a path, a tab, a JSON document a line) in turn over *clients* connections of wrk."""
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds:.0f}s", "--timeout", "30s", "-s", str(SCRIPT), url]
    variables = {**os.environ, "REQUESTS": str(requests)}
    return _read(subprocess.run(command, env=variables, capture_output=True, check=False))


def over_grpc(address: str, method: str, bodies: list[bytes], clients: int, seconds: float) -> Run:
    """Send the serialised *bodies* in turn from *clients* coroutines of a process whose CPU is not counted."""
    frames = b"".join(len(body).to_bytes(4, "big") + body for body in bodies)
    command = [sys.executable, __file__, address, method, str(clients), str(seconds)]
    return _read(subprocess.run(command, input=frames, capture_output=True, check=False))


def _read(done: subprocess.CompletedProcess[bytes]) -> Run:
    """Read the last line of a load that has ended; raises RuntimeError with its own words where it failed."""
    if done.returncode:
        raise RuntimeError(f"the load ended with {done.returncode}: {done.stderr.decode(errors='replace')[-500:]}")
    return Run(**json.loads(done.stdout.splitlines()[-1]))


async def _drive(address: str, method: str, bodies: list[bytes], clients: int, seconds: float) -> Run:
    took: list[float] = []
    errors = 0
    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.unary_unary(method)
        until = time.perf_counter() + seconds

        async def client(position: int) -> None:
            nonlocal errors
            while (started := time.perf_counter()) < until:
                try:
                    await call(bodies[position % len(bodies)])
                except grpc.aio.AioRpcError:
                    errors += 1
                took.append(1e3 * (time.perf_counter() - started))
                position += 1

        begun = time.perf_counter()
        await asyncio.gather(*(client(number) for number in range(clients)))
        spent = time.perf_counter() - begun
    # A machine that stands still for a second leaves one request, of which there are no quantiles.
    p99 = statistics.quantiles(took, n=100)[98] if len(took) > 1 else took[0]
    return Run(len(took), spent, errors, statistics.median(took), p99)


def _frames(stream: bytes) -> list[bytes]:
    bodies, position = [], 0
    while position < len(stream):
        size = int.from_bytes(stream[position : position + 4], "big")
        bodies.append(stream[position + 4 : position + 4 + size])
        position += 4 + size
    return bodies


if __name__ == "__main__":
    where, name, count, duration = sys.argv[1:]
    run = asyncio.run(_drive(where, name, _frames(sys.stdin.buffer.read()), int(count), float(duration)))
    json.dump(vars(run), sys.stdout)
