"""Every metric of the product by name, the /metrics route, and logs as JSON lines."""

import logging
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from twinpin.step import journal
from twinpin.step.tracing import current

# A forecast of one row takes about a millisecond, a batch over the network some hundred.
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# Most requests are for one entity; the last is the most that a server takes unless it is told otherwise.
_ROWS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
# Features are filled every some minutes, every hour or every day; a store that nobody fills is a week behind soon.
_AGES = (60, 300, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800)

#: Where a model may run, as XGBoost calls it.
DEVICES = ("cpu", "cuda")

# The time at which each series began would double the scrape, and Prometheus finds it by itself.
disable_created_metrics()  # type: ignore[no-untyped-call]

REQUESTS = Counter("twinpin_requests_total", "Requests answered.", ["endpoint", "status"])
REQUEST_SECONDS = Histogram(
    "twinpin_request_duration_seconds", "Time from request to answer.", ["endpoint"], buckets=_SECONDS
)
REQUEST_ENTITIES = Histogram(
    "twinpin_request_entities", "Entities, or rows, of a request.", ["endpoint"], buckets=_ROWS
)
STEP_SECONDS = Histogram("twinpin_step_duration_seconds", "Time of a step's own work.", ["step"], buckets=_SECONDS)
BATCH_ROWS = Histogram("twinpin_batch_rows", "Rows that a step worked on at once.", ["step"], buckets=_ROWS)
IN_FLIGHT = Gauge("twinpin_in_flight", "Requests that a step works on or has waiting.", ["step"])
QUEUE_DEPTH = Gauge("twinpin_queue_depth", "Requests that wait for one of a step's threads.", ["step"])
FEATURE_READ_SECONDS = Histogram(
    "twinpin_feature_read_duration_seconds", "Time of one read of the online store.", buckets=_SECONDS
)
FEATURE_MISSES = Counter("twinpin_feature_misses_total", "Entities that the store has no features of.")
FEATURES_STALE = Counter("twinpin_features_stale_total", "Entities whose features were older than allowed.")
FEATURE_AGE = Histogram(
    "twinpin_feature_age_seconds", "Age of a request's oldest features at the time asked for.", buckets=_AGES
)
MODEL_LOAD_SECONDS = Gauge(
    "twinpin_model_load_duration_seconds", "Time to load and warm a half of the pair that was loaded last.", ["half"]
)
DEVICE_INFO = Gauge("twinpin_device_info", "1 for the device that the model runs on, 0 for the other.", ["device"])
GPU_MEMORY = Gauge("twinpin_gpu_memory_bytes", "Memory of the GPU that the model runs on.", ["state"])
PAIR_MISMATCHES = Counter("twinpin_pair_mismatches_total", "Messages refused for another pair's stamp.")
PAIR_REFUSED = Gauge("twinpin_pair_refused", "1 while the alias is on a pair that was left alone.")
PAIR_BEHIND = Gauge("twinpin_pair_behind", "1 while this process serves another pair than its release does.")
REGISTRY_REACHABLE = Gauge(
    "twinpin_registry_reachable", "1 while the registry answers, NaN where this process does not ask it."
)
REGISTRY_REACHABLE.set(float("nan"))
PAIR_INFO = Gauge("twinpin_pair_info", "1 for the pair that serves.", ["pair", "preprocessor_version", "model_version"])

# What every LogRecord has; anything else was given as extra and belongs into the line. uvicorn's colours do not.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


def observe(endpoint: str, status: int | str, seconds: float, trace_id: str | None = None) -> None:
    """Count one answered request of *endpoint* (a fixed word, never a path that a client made up).

    *trace_id*, 32 hexadecimal digits, becomes the exemplar of its time, which OpenMetrics alone shows.
    """
    count, duration = _series(endpoint, status)
    count.inc()
    duration.observe(seconds, None if trace_id is None else {"trace_id": trace_id})


def count_entities(endpoint: str, entities: int) -> None:
    """Count the entities, or rows, of one request that was read; *endpoint* as above."""
    _entities(endpoint).observe(entities)


@lru_cache(1024)
def _series(endpoint: str, status: int | str) -> tuple[Counter, Histogram]:
    """Find the two series of an endpoint, whose look-up by labels costs as much as what is then done with them."""
    return REQUESTS.labels(endpoint, status), REQUEST_SECONDS.labels(endpoint)


@lru_cache(64)
def _entities(endpoint: str) -> Histogram:
    """Find the series of an endpoint."""
    return REQUEST_ENTITIES.labels(endpoint)


def show_device(device: str) -> None:
    """Show the device of the model that was loaded last."""
    for each in DEVICES:
        DEVICE_INFO.labels(each).set(each == device)


def show_pair(pair: str, preprocessor_version: str, model_version: str) -> None:
    """Show the pair that serves now in place of the one before."""
    PAIR_INFO.clear()
    PAIR_INFO.labels(pair, preprocessor_version, model_version).set(1)


def metrics_route(path: str = "/metrics", registry: CollectorRegistry = REGISTRY) -> Route:
    """Return the route that Prometheus scrapes."""

    async def metrics(request: Request) -> Response:
        """Answer a scrape in the format it asks for."""
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": content_type})

    return Route(path, metrics, methods=["GET"])


class JsonLines(logging.Formatter):
    """One JSON object per line: time, level, logger, message, what was given as extra, and the traceback.

    A line that belongs to a request has its trace_id, and the pair that answers it where that is known.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        trace = current()
        if trace is not None:
            line["trace_id"] = trace.context.trace_id
            if trace.pair is not None:
                line["pair"] = trace.pair
        line.update((key, value) for key, value in vars(record).items() if key not in _STANDARD)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def configure_logging(level: str = "INFO", requests: int = 0) -> None:
    """Write logs of *level* and above to stderr as JSON lines, instead of whatever was set up before.

    One in *requests* gets a line though it did not fail; 0: none.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    journal.configure(requests)
    # One line per request would cost more than many a request.
    for name in ("uvicorn.access", "httpx", "hpack"):
        logging.getLogger(name).setLevel(logging.WARNING)
