"""Three small steps with their data in memory: enough of a graph to ask the gateway everything."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import httpx
import numpy as np

from twinpin.gateway.assembly import Gateway, Parts
from twinpin.gateway.latencies import Latencies
from twinpin.gateway.pipeline import GraphPipeline
from twinpin.gateway.settings import Settings
from twinpin.gateway.stages import Stages
from twinpin.graph.document import builtin
from twinpin.graph.executor import Executor
from twinpin.graph.inprocess import InProcess
from twinpin.step import step
from twinpin.step.errors import Impossible, Malformed, Unavailable, UnknownEntities
from twinpin.step.runner import StepModel
from twinpin.step.settings import Settings as ServerSettings
from twinpin.step.step import Answer, TensorSpec

NEWEST = datetime(2026, 1, 31, 12, tzinfo=UTC)
PAIR = "p7-m12-3fa9c1"
STAMP = {step.PAIR: PAIR, step.PREPROCESSOR_VERSION: "7", step.MODEL_VERSION: "12"}
WINDOW, HORIZON, STORED = 3, 4, 8


def stored(location):
    """The window of one location: 100 times its id, rising by 1 an hour."""
    return 100.0 * location + np.arange(STORED)


def expected(temps, wind=0.0):
    """The forecast from the newest three temps, oldest first."""
    return [float(np.float32(sum(temps) + wind + ahead)) for ahead in range(1, HORIZON + 1)]


class WindowStep:
    """Features: three locations, each with eight hours of temp up to NEWEST."""

    name = "features"
    versions = ("1",)
    platform = "test_memory"
    inputs = (TensorSpec("location_id", "INT64", (-1,)),)
    outputs = (TensorSpec("temp", "FP64", (-1, WINDOW)),)

    def __init__(self):
        self.down = False
        self.asked = []
        self.points = []

    async def run(self, tensors, context):
        """Cut the windows at the time asked for."""
        if self.down:
            raise Unavailable("the feature store cannot be read; try again", retry_after=2)
        parameters = context.parameters
        if parameters.get(step.ENTITY_KEY, "location_id") not in {"location_id", "entities"}:
            raise Malformed("The entity key here is location_id.")
        ids = next(iter(tensors.values())).tolist() if tensors else [1]
        self.asked.append(ids)
        moment = parameters.get(step.TIME_POINT, "now")
        self.points.append(moment)
        behind = 0 if moment == "now" else (NEWEST - _utc(moment)) // timedelta(hours=1)
        length = STORED if parameters.get("history") else WINDOW
        statuses = {str(each): _status(each, behind) for each in ids if _status(each, behind)}
        found = [int(each) for each in ids if str(each) not in statuses]
        if statuses and not (found and parameters.get(step.PARTIAL)):
            named = ", ".join(f"{name}: {status}" for name, status in statuses.items())
            raise UnknownEntities(f"No features for location_id {named}. Fill the store.", statuses)
        rows = [stored(each)[: STORED - behind][-length:] for each in found]
        time = (NEWEST - timedelta(hours=behind)).isoformat().replace("+00:00", "Z")
        told = {step.ENTITIES: json.dumps(found), step.AS_OF: json.dumps([time] * len(found))}
        return Answer({"temp": np.stack(rows)}, told | ({step.MISSING: json.dumps(statuses)} if statuses else {}))

    async def check(self):
        """Refuse while the store is down."""
        if self.down:
            raise Unavailable("the feature store cannot be read; try again")

    async def close(self):
        """Hold nothing."""


def _utc(text):
    """Read a time; one without a zone is in UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _status(each, behind):
    """Say why a location has no features, if so."""
    if str(each) not in {"1", "2", "3"}:
        return "unknown"
    if behind < 0:
        return "after_newest"
    return "before_window" if STORED - behind < WINDOW else None


class SumStep:
    """Preprocess: the newest three temps and the wind in one row."""

    name = "preprocess"
    versions = ("7", PAIR)
    platform = "test_numpy"
    inputs = (TensorSpec("temp", "FP64", (-1, WINDOW)), TensorSpec("wind", "FP64", (-1,)))
    outputs = (TensorSpec("matrix", "FP64", (-1, WINDOW + 1)),)

    def __init__(self):
        self.parameters = []
        self.ready = True

    def run(self, tensors, context):
        """Put the columns side by side."""
        self.parameters.append(context.parameters)
        temp = tensors.get("temp")
        if temp is None or temp.ndim != 2 or temp.shape[1] < WINDOW or temp.dtype == object:
            raise Impossible("Send temp as windows of 3 numbers.")
        wind = tensors.get("wind", np.zeros(len(temp)))
        if wind.size != len(temp) or wind.dtype == object:
            raise Impossible("Send wind as one number per row.")
        wind = wind.astype(float).reshape(len(temp), 1)
        matrix = np.hstack([temp[:, -WINDOW:], wind])
        if np.isnan(matrix).any():
            raise Impossible("temp is missing and the preprocessor does not impute it.")
        return Answer({"matrix": matrix}, STAMP)

    async def check(self):
        """Serve while *ready*."""
        if not self.ready:
            raise Unavailable("the model is not ready")

    async def close(self):
        """Hold nothing."""


class LineStep:
    """Predict: the sum of the row, rising by 1 an hour.

    The parameter `wait` makes it late (by seconds, or true: until told), and `bug` makes it fail.
    """

    name = "predict"
    versions = ("12", PAIR)
    platform = "test_numpy"
    inputs = (TensorSpec("matrix", "FP32", (-1, WINDOW + 1)),)
    outputs = (TensorSpec("forecast", "FP32", (-1, HORIZON)),)

    def __init__(self):
        self.gate = asyncio.Event()
        self.busy = asyncio.Event()
        self.cancelled = 0
        self.closed = False
        self.quantiles = None

    async def run(self, tensors, context):
        """Add up."""
        if context.parameters.get("bug"):
            raise ZeroDivisionError("secret://10.0.0.1/a/path")
        if wait := context.parameters.get("wait"):
            await self._wait(None if wait is True else float(wait))
        matrix = tensors["matrix"]
        ahead = np.arange(1, HORIZON + 1, dtype=np.float32)
        told = {step.QUANTILES: json.dumps(self.quantiles)} if self.quantiles else {}
        return Answer({"forecast": (matrix.sum(axis=1, keepdims=True) + ahead).astype(np.float32)}, STAMP | told)

    async def _wait(self, seconds):
        """Wait for so many seconds, or for the gate."""
        self.busy.set()
        try:
            async with asyncio.timeout(seconds):
                await self.gate.wait()
        except TimeoutError:
            return
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    async def check(self):
        """Serve always."""

    async def close(self):
        """Leave a mark."""
        self.closed = True


class SmallGraph:
    """The built-in graph over these steps; make it on the event loop that serves it."""

    def __init__(self, *, store=True, page_series=None, default_entity=True, **limits):
        self.features, self.preprocess, self.predict = WindowStep(), SumStep(), LineStep()
        models = {each.name: StepModel(each) for each in (self.predict, self.preprocess, self.features)}
        if not store:
            del models["features"]
        latencies = Latencies()
        graph = builtin()
        executor = Executor(graph, InProcess(models.values()), observe=latencies.observe)
        parts = Parts(
            graph=graph,
            pipeline=GraphPipeline(executor),
            stages=Stages(models["preprocess"], models["predict"], models.get("features")),
            latencies=latencies,
            closing=[each.aclose for each in models.values()],
            default_entity=default_entity,
        )
        server = ServerSettings(**{"host": "127.0.0.1", "http_port": 0, "grpc_port": 0} | limits)
        self.gateway = Gateway(parts, server, Settings(page_series=page_series))
        self.app = self.gateway.app


def client_of(graph):
    """A client that calls the application itself, without a socket."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(graph.app), base_url="http://gateway")
