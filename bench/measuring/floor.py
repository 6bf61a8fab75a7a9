"""The floor: the same answers from raw Redis bytes and NumPy behind the leanest ASGI function.

FLOOR_STORE says what is read per location: its `windows` or its `scalars`, as Feast wrote them, or one `packed` value.
FLOOR_TREES says what predicts few rows: the `booster`, as it does many, or the `flat` walk.
It checks nothing and handles no error: a limit to compare with, not a service. `uvicorn floor:app` with BENCH_WORK and
BENCH_REDIS set.
"""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path

import hiredis
import numpy as np
import orjson
import xgboost

WORK = Path(os.environ["BENCH_WORK"])
HOST, PORT = os.environ["BENCH_REDIS"].split(":")
STORE = os.environ.get("FLOOR_STORE", "windows")
HOURS, WIDTH = 24, 144
#: Bytes of a stored scalar: the tag of its field, then the number. A null is stored as nothing.
SCALAR, NULL = 5, b"\x35\x00\x00\xc0\x7f"
#: Rows up to which the walk beats the booster.
FLAT_ROWS = 12 if os.environ.get("FLOOR_TREES") == "flat" else 0

plan = np.load(WORK / "floor.npz")
fill, mean, scale = plan["fill"], plan["mean"], plan["scale"]
booster = xgboost.Booster({"nthread": 1}, model_file=WORK / "floor.ubj")
if FLAT_ROWS:
    from flat import Flat

    flat = Flat(booster)


def commands_of(layout: dict) -> dict[int, bytes]:
    """Return what asks Redis for each location."""
    if STORE == "packed":
        asked = [(b"GET", bytes.fromhex(key)) for key in layout["packed"]]
    else:
        fields = [bytes.fromhex(field) for field in layout[STORE]]
        asked = [(b"HMGET", bytes.fromhex(key), *fields) for key in layout["hashes"]]
    return {number: hiredis.pack_command(each) for number, each in enumerate(asked, start=1)}


commands = commands_of(json.loads((WORK / "floor.json").read_text()))


class Redis(asyncio.Protocol):
    """One connection; concurrent requests are pipelined on it in order."""

    def __init__(self) -> None:
        self.reader, self.waiting = hiredis.Reader(), []

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Keep the way out."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand each reply to the request that waits longest."""
        self.reader.feed(data)
        while self.waiting and (reply := self.reader.gets()) is not False:
            replies, count, future = self.waiting[0]
            replies.append(reply)
            if len(replies) == count:
                self.waiting.pop(0)
                future.set_result(replies)

    def read(self, locations: list[int]) -> asyncio.Future:
        """Ask for the windows of all locations at once."""
        future = asyncio.get_running_loop().create_future()
        self.waiting.append(([], len(locations), future))
        self.transport.write(b"".join([commands[number] for number in locations]))
        return future


def from_windows(replies: list) -> np.ndarray:
    """Take the packed doubles that end each value, and turn oldest first into lag 0 first."""
    packed = b"".join([value[-8 * HOURS :] for reply in replies for value in reply])
    windows = np.frombuffer(packed, dtype="<f8").reshape(len(replies), -1, HOURS)
    return windows[:, :, ::-1].reshape(len(replies), -1)


def from_scalars(replies: list) -> np.ndarray:
    """Take the float that ends each value."""
    packed = b"".join([value or NULL for reply in replies for value in reply])
    return np.ndarray((len(replies), WIDTH), "<f4", packed, 1, (SCALAR * WIDTH, SCALAR))


def from_packed(replies: list) -> np.ndarray:
    """Take the row as it is."""
    return np.frombuffer(b"".join(replies), dtype="<f4").reshape(len(replies), WIDTH)


decode = {"windows": from_windows, "scalars": from_scalars, "packed": from_packed}[STORE]


def forecast(raw: np.ndarray) -> np.ndarray:
    """Impute, scale, predict."""
    scaled = ((np.where(np.isnan(raw), fill, raw) - mean) / scale).astype(np.float32)
    return flat(scaled) if len(scaled) <= FLAT_ROWS else booster.inplace_predict(scaled)


redis: Redis


async def answer(path: str, body: bytes) -> bytes:
    """Answer one of the three kinds of request."""
    request = orjson.loads(body)
    if path == "/predict":
        raw = np.array([[column[0] for column in request["data"].values()]], dtype=np.float64)
        return orjson.dumps({"prediction": forecast(raw)[0]}, option=orjson.OPT_SERIALIZE_NUMPY)
    locations = request["entities"]
    forecasts = forecast(decode(await redis.read(locations)))
    if path == "/predict/feast":
        return orjson.dumps({"prediction": forecasts[0]}, option=orjson.OPT_SERIALIZE_NUMPY)
    predictions = {str(number): row for number, row in zip(locations, forecasts, strict=True)}
    return orjson.dumps({"predictions": predictions}, option=orjson.OPT_SERIALIZE_NUMPY)


async def app(scope: dict, receive: Callable, send: Callable) -> None:
    """Speak ASGI."""
    global redis
    if scope["type"] == "lifespan":
        await receive()
        _, redis = await asyncio.get_running_loop().create_connection(Redis, HOST, int(PORT))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    reply = await answer(scope["path"], body)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(reply))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": reply})
