"""Scrape: what pods of steps have counted, from their own /metrics, many at once and within one limit of time."""

import asyncio
import http.client
import logging
import re
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from twinpin.rollout.kube_api import KubeApi, Object
from twinpin.rollout.readiness import takes_requests
from twinpin.rollout.resource import Count, Forecasts
from twinpin.rollout.template import ROLLOUT_LABEL

#: What a step observes: name without its beginning, column and quantile -> value.
Samples = dict[tuple[str, str, str], float]

log = logging.getLogger(__name__)

#: A way to a pod's metrics: raises OSError where none come.
Fetch = Callable[[Object], Awaitable[str]]

#: Label with the InferenceService that KServe made a pod for.
SERVICE_LABEL = "serving.kserve.io/inferenceservice"
#: Where a step's server listens.
PORT = 8080
#: Endpoints at which forecasts are asked for, and not probes.
ENDPOINTS = frozenset({"infer", "grpc_infer"})
#: How the metrics of inputs and forecasts begin, and the column that is the forecast.
OBSERVED, FORECAST = "twinpin_observed_", "forecast"
#: Seconds that all pods together may take, and one of them.
PATIENCE, EACH = 4.0, 2.0
#: Bytes of one answer.
MOST = 1 << 20
#: Pods of one step that are asked: more make the figures no better.
SAMPLE = 16

_LINE = re.compile(r"^(\w+)(?:\{([^}\n]*)\})? (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
#: A request may have taken longer than the last bound of the histogram, but hardly this many times.
_BEYOND = 2.0

# Threads of their own: a pod that does not answer must not hold up calls to the API server.
_THREADS = ThreadPoolExecutor(SAMPLE, "scrape")


async def scrape(pods: Iterable[Object], fetch: Fetch) -> tuple[Count, ...]:
    """Count what each pod did; one that is ready and does not answer has no start, one that is not ready no figures."""
    found = sorted(
        (each for each in pods if "deletionTimestamp" not in each["metadata"]),
        key=lambda pod: str(pod["metadata"]["name"]),
    )
    asked = {pod["metadata"]["name"]: asyncio.ensure_future(fetch(pod)) for pod in _sample(found)}
    if asked:
        _, late = await asyncio.wait(asked.values(), timeout=PATIENCE)
        for each in late:
            each.cancel()
    return tuple(_count(pod, asked.get(pod["metadata"]["name"])) for pod in found)


async def fetch_directly(pod: Object) -> str:
    """Read a pod's metrics as pods of the cluster can."""
    address = str(pod["status"].get("podIP", ""))
    host = f"[{address}]" if ":" in address else address
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _read, f"http://{host}:{PORT}/metrics")


def way_to_pods(api: KubeApi) -> Fetch:
    """Choose how pods are reached: by their addresses from inside the cluster, else through the API server."""

    async def through_api_server(pod: Object) -> str:
        """Read a pod's metrics from outside."""
        path = f"/api/v1/namespaces/{api.namespace}/pods/{pod['metadata']['name']}:{PORT}/proxy/metrics"
        return await api.text(path, seconds=EACH)

    return fetch_directly if api.inside else through_api_server


def service_of(pod: Object) -> str:
    """The InferenceService that a pod is of."""
    return str(pod["metadata"].get("labels", {}).get(SERVICE_LABEL, ""))


def read_figures(text: str) -> dict[str, Any]:
    """Sum up an exposition: started, requests, errors, seconds, and squares from the histogram's upper bounds.

    And what the step observes, where it does: rows and gaps of its inputs, quartiles of its forecasts.
    """
    figures: dict[str, Any] = dict.fromkeys(("started", "requests", "errors", "seconds", "squares"), 0.0)
    buckets: dict[str, dict[float, float]] = defaultdict(dict)
    observed: Samples = {}
    for name, labels, value in _samples(text):
        if name.startswith(OBSERVED):
            observed[name.removeprefix(OBSERVED), labels.get("column", ""), labels.get("quantile", "")] = value
        if name == "process_start_time_seconds":
            figures["started"] = value
        if labels.get("endpoint") not in ENDPOINTS:
            continue
        if name == "twinpin_requests_total":
            figures["requests"] += value
            figures["errors"] += 0 if _answered(labels.get("status", "")) else value
        elif name == "twinpin_request_duration_seconds_sum":
            figures["seconds"] += value
        elif name == "twinpin_request_duration_seconds_bucket":
            buckets[labels["endpoint"]][float(labels["le"])] = value
    figures["squares"] = sum(map(_squares, buckets.values()))
    return figures | _inputs(observed) | {"forecasts": _forecasts(observed)}


def _inputs(observed: Samples) -> dict[str, Any]:
    """The rows whose inputs were looked at, which are the same for each input, and those that lacked one."""
    seen = [
        int(value) for (name, column, _), value in observed.items() if name == "values_total" and column != FORECAST
    ]
    missing = {column: int(gaps) for (name, column, _), gaps in observed.items() if name == "missing_total" and gaps}
    missing.pop(FORECAST, None)
    return {"rows": max(seen, default=0), "missing": missing}


def _forecasts(observed: Samples) -> Forecasts | None:
    """The quartiles of the newest forecasts; None where there are none."""
    rows = int(observed.get(("recent", FORECAST, ""), 0))
    quartiles = [observed.get(("quantile", FORECAST, share)) for share in ("0.25", "0.5", "0.75")]
    if not rows or None in quartiles:
        return None
    return Forecasts.model_validate({"rows": rows, **dict(zip(("lower", "median", "upper"), quartiles, strict=True))})


def _samples(text: str) -> Iterator[tuple[str, Mapping[str, str], float]]:
    """Read the lines of our own metrics."""
    for name, labels, value in _LINE.findall(text):
        if name.startswith(("twinpin_request", "process_start", OBSERVED)):
            yield name, dict(_LABEL.findall(labels)), float(value)


def _answered(status: str) -> bool:
    """Whether a forecast came, by the status of HTTP or of gRPC."""
    return status == "OK" or status.startswith("2")


def _squares(buckets: Mapping[float, float]) -> float:
    """Sum the squares of all times, each taken for the upper bound of its bucket."""
    total, below, bound = 0.0, 0.0, 0.0
    for upper, count in sorted(buckets.items()):
        bound = bound * _BEYOND if upper == float("inf") else upper
        total += (count - below) * bound**2
        below = count
    return total


def _sample(pods: Iterable[Object]) -> Iterator[Object]:
    """Take the first ready pods of each step of each rollout."""
    taken = Counter[tuple[str, str]]()
    for pod in pods:
        if takes_requests(pod):
            taken[_place(pod)] += 1
            if taken[_place(pod)] <= SAMPLE:
                yield pod


def _place(pod: Object) -> tuple[str, str]:
    """The rollout of a pod, and its step: its service's name less the rollout, alike for both chains."""
    rollout = str(pod["metadata"]["labels"][ROLLOUT_LABEL])
    return rollout, service_of(pod).removesuffix(f"-{rollout}")


def _count(pod: Object, asked: "asyncio.Future[str] | None") -> Count:
    """Put down what one pod said."""
    rollout, step = _place(pod)
    restarts = sum(each.get("restartCount", 0) for each in pod.get("status", {}).get("containerStatuses", []))
    text = _heard(pod, asked) if asked is not None else None
    return Count(
        pod=pod["metadata"]["name"],
        rollout=rollout,
        step=step,
        restarts=restarts,
        silent=asked is not None and text is None,
        **(read_figures(text) if text is not None else {}),
    )


def _heard(pod: Object, asked: "asyncio.Future[str]") -> str | None:
    """What a pod answered; None where it did not, or not in time."""
    if not asked.done() or asked.cancelled():
        return None
    try:
        return asked.result()
    except OSError as error:
        log.info("%s does not tell its figures: %s", pod["metadata"]["name"], error)
        return None


def _read(url: str) -> str:
    """Read text; what is no HTTP is an OSError too."""
    try:
        with urllib.request.urlopen(url, timeout=EACH) as answer:  # noqa: S310 -- a pod's address
            return str(answer.read(MOST), "utf-8", "replace")
    except http.client.HTTPException as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
