"""Growth: CPU and time of one request at a time, from one entity to very many."""

import statistics
import time
from collections.abc import Mapping

import httpx
import numpy as np

from measuring.place import Place
from measuring.processes import cpu_seconds, spent
from measuring.roster import Start
from measuring.rounds import settle
from measuring.servers import Server
from measuring.work import TOLERANCE, first_right

PATH = "/predict/feast/batch"
LEAST = 3


def grow(place: Place, servers: Mapping[str, Start], sizes: list[int], seconds: float) -> None:
    """Print a row per server and size, each when it is measured."""
    print("| server | entities | CPU ms | wall ms | CPU µs per entity | wall µs per entity |", flush=True)
    print("|---|---|---|---|---|---|", flush=True)
    right = np.load(place.work / "right.npy")
    for name, start in servers.items():
        with start(place) as server, httpx.Client(timeout=120) as client:
            first_right(place.work, server)
            for size in sizes:
                print(f"| {name} | {size:,} | {_row(client, server, right[:size], seconds)} |", flush=True)


def _row(client: httpx.Client, server: Server, right: np.ndarray, seconds: float) -> str:
    """Ask for the first entities until the time is over; a refusal is shown in place of the figures."""
    size = len(right)
    body = {"entities": list(range(1, size + 1)), "time_point": "now", "entity_key": "location_id"}
    answer = client.post(server.url + PATH, json=body)  # warms up
    if answer.is_error:
        return f"{answer.status_code}: {answer.json()['error']} | | | "
    predictions = answer.json()["predictions"]
    found = np.array([predictions[str(entity)] for entity in body["entities"]])
    if not np.abs(found - right).max() <= TOLERANCE:
        raise SystemExit(f"{server.url}: a forecast of {size} is off")
    settle(server)
    before, until, took = cpu_seconds(server.launch.pids()), time.perf_counter() + seconds, []
    while len(took) < LEAST or time.perf_counter() < until:
        begun = time.perf_counter()
        client.post(server.url + PATH, json=body).raise_for_status()
        took.append(time.perf_counter() - begun)
    cpu = spent(before, cpu_seconds(server.launch.pids())) / len(took)
    wall = statistics.median(took)
    return f"{1e3 * cpu:.2f} | {1e3 * wall:.2f} | {1e6 * cpu / size:.1f} | {1e6 * wall / size:.1f}"
