"""Every metric of the product by name, the /metrics route, and logs as JSON lines."""

import logging

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REQUESTS = Counter("twinpin_requests_total", "Requests answered.", ["endpoint", "status"])
REQUEST_SECONDS = Histogram(
    "twinpin_request_duration_seconds", "Time from request to answer.", ["endpoint"], buckets=_SECONDS
)
STEP_SECONDS = Histogram("twinpin_step_duration_seconds", "Time of a step's own work.", ["step"], buckets=_SECONDS)
IN_FLIGHT = Gauge("twinpin_in_flight", "Requests that a step works on or has waiting.", ["step"])
PAIR_MISMATCHES = Counter("twinpin_pair_mismatches_total", "Messages refused for another pair's stamp.")
PAIR_INFO = Gauge("twinpin_pair_info", "1 for the pair that serves.", ["pair", "preprocessor_version", "model_version"])


def metrics_route(path: str = "/metrics") -> Route:
    """Return the route that Prometheus scrapes."""
    raise NotImplementedError


def configure_logging(level: str = "INFO") -> None:
    """Write logs as one JSON object per line to stderr."""
    raise NotImplementedError
