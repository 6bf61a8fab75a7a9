"""The requests of the fixture, and the gate: a server is timed only while its forecasts are right."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from measuring.dialects import forecasts
from measuring.servers import START_SECONDS, Server
from twinpin.step.decode import decode_request
from twinpin.step.protocol import request_proto
from twinpin.step.step import Message

KINDS = ("payload", "entity_1", "entities_5", "entities_100")
#: Largest difference from the pair's own forecast, computed offline.
TOLERANCE = 1e-5
#: Seconds between two tries of a server that does not answer yet.
PAUSE = 0.05


def first_right(work: Path, server: Server) -> float:
    """Ask one request of each kind until all are answered right; return the seconds since the start."""
    until, said = server.launch.begun + START_SECONDS, "no answer"
    first = {kind: cases(work, kind)[0] for kind in KINDS}
    with httpx.Client(timeout=30) as client:
        while time.monotonic() < until:
            try:
                off = {kind: _difference(client, server, case) for kind, case in first.items()}
                if all(difference <= TOLERANCE for difference in off.values()):
                    return time.monotonic() - server.launch.begun
                said = f"forecasts are off by {off}"
            except (httpx.HTTPError, KeyError, ValueError) as error:
                said = repr(error)
            server.launch.check()
            time.sleep(PAUSE)
    raise RuntimeError(f"no right answer in {START_SECONDS} s, last: {said}; see {server.launch.place.logs}")


def gate(work: Path, server: Server) -> float:
    """Ask every case once; return the largest difference from the pair's own forecast, stop where it is too large."""
    with httpx.Client(timeout=30) as client:
        worst = max(_difference(client, server, case) for kind in KINDS for case in cases(work, kind))
    if not worst <= TOLERANCE:
        raise RuntimeError(f"a forecast is off by {worst}")
    return worst


def cases(work: Path, kind: str) -> list[dict[str, Any]]:
    """Read the requests of one kind and their right answers."""
    loaded: list[dict[str, Any]] = json.loads((work / "requests" / f"{kind}.json").read_text())
    return loaded


def infer_request(body: dict) -> bytes:
    """Write the same request as a ModelInferRequest: one row as one raw matrix, entities as one tensor."""
    message = decode_request(json.dumps(body).encode())
    if "data" in body:
        matrix = np.column_stack(list(message.tensors.values())).astype("float64")
        message = Message({"columns": matrix})
    raw: bytes = request_proto(message, "forecast").SerializeToString()
    return raw


def _difference(client: httpx.Client, server: Server, case: dict[str, Any]) -> float:
    """Ask one case; infinity is the difference of an answer of another shape."""
    path, body = server.dialect(case)
    answer = client.post(server.url + path, json=body).raise_for_status().json()
    found, right = np.array(forecasts(answer, case)), np.array(case["right"])
    return float(np.abs(found - right).max()) if found.shape == right.shape else float("inf")
