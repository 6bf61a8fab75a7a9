"""The requests of the fixture, and the gate: a server is timed only while its forecasts are right."""

import json
from pathlib import Path

import httpx
import numpy as np

from measuring.servers import Server
from twinpin.step.codec import decode_request
from twinpin.step.protocol import request_proto
from twinpin.step.step import Message

KINDS = ("payload", "entity_1", "entities_5", "entities_100")
#: Largest difference from the pair's own forecast, computed offline.
TOLERANCE = 1e-5


def gate(work: Path, server: Server) -> float:
    """Ask every case once; return the largest difference from the pair's own forecast, stop where it is too large."""
    worst = 0.0
    for kind in KINDS:
        for case in cases(work, kind):
            answer = httpx.post(server.url + case["path"], json=case["body"], timeout=30).raise_for_status().json()
            off = np.abs(np.array(rows(answer, case["body"])) - np.array(case["right"]))
            worst = max(worst, float(off.max()))
    if worst > TOLERANCE:
        raise SystemExit(f"{server.url}: a forecast is off by {worst}")
    return worst


def rows(answer: dict, body: dict) -> list[list[float]]:
    """Return the forecasts in the order of the request."""
    if "prediction" in answer:
        return [answer["prediction"]]
    return [answer["predictions"][str(entity)] for entity in body["entities"]]


def cases(work: Path, kind: str) -> list[dict]:
    """Read the requests of one kind and their right answers."""
    loaded: list[dict] = json.loads((work / "requests" / f"{kind}.json").read_text())
    return loaded


def infer_request(body: dict) -> bytes:
    """Write the same request as a ModelInferRequest: one row as one raw matrix, entities as one tensor."""
    message = decode_request(json.dumps(body).encode())
    if "data" in body:
        matrix = np.column_stack(list(message.tensors.values())).astype("float64")
        message = Message({"columns": matrix})
    raw: bytes = request_proto(message, "forecast").SerializeToString()
    return raw
