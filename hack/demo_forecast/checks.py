"""Checks: one request of every kind, and of every kind of mistake."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from demo_forecast.filling import ENTITY_KEY, HOURS
from demo_forecast.questions import UNKNOWN, Questions
from demo_forecast.rows import LAGGED, LAGS


@dataclass(frozen=True, slots=True)
class Check:
    """One request: *ask* gives the largest difference, or None where no forecast is asked for."""

    name: str
    ask: Callable[[], float | None]


def checks(ask: Questions) -> Iterator[Check]:
    """List every kind of request."""
    for kind in (_service, _by_payload, _by_entity, _by_series, _by_protocol, _refused):
        yield from kind(ask)


def _service(ask: Questions) -> Iterator[Check]:
    """What is not a forecast."""
    yield Check("GET /health", ask.health)
    for path, words in {
        "/v2/health/live": "",
        "/v2/health/ready": "",
        "/v2/models/forecast": '"outputs"',
        "/metrics": "twinpin_requests_total",
        "/openapi.json": "/predict/feast/batch",
        "/": "<html",
    }.items():
        yield Check(f"GET {path}", partial(ask.holds, path, words))


def _by_payload(ask: Questions) -> Iterator[Check]:
    """Rows that the client brings."""
    one = ask.offline.row(1, ask.newest)
    several = pd.concat([ask.offline.row(2, ask.hours_ago(hours)) for hours in range(5)])
    gaps = one.copy()
    gaps.iloc[0, ::7] = math.nan
    gaps["hour_lag_00"] = one["hour_lag_00"]
    for name, inputs in {"one row": one, "five rows": several, "gaps as null": gaps}.items():
        body = {"data": _columns(inputs)}
        yield Check(f"POST /predict, {name}", partial(ask.payload, body, inputs))
    series = ask.offline.weather[3].loc[: ask.newest].tail(LAGS)
    windows = {name: [_plain(series[name])] for name in (*LAGGED, "hour")}
    inputs = ask.offline.row(3, ask.newest)
    yield Check("POST /predict, windows", partial(ask.payload, {"data": windows}, inputs))


def _by_entity(ask: Questions) -> Iterator[Check]:
    """Rows that come from Feast."""
    now, first = ask.newest, ask.hours_ago(HOURS - LAGS)
    yield Check("POST /predict/feast, now", partial(ask.feast, [2], now, "now"))
    yield Check("POST /predict/feast, one id", partial(ask.feast, 3, now, "now"))
    yield Check("POST /predict/feast, null", partial(ask.feast, None, now, "now"))
    yield Check("POST /predict/feast, three", partial(ask.feast, [3, 1, 2], now, "now"))
    for name, time in {"100 hours ago": ask.hours_ago(100), "earliest hour": first}.items():
        yield Check(f"POST /predict/feast, {name}", partial(ask.feast, [1], time, time.isoformat()))
    path = "/predict/feast/batch"
    yield Check(f"POST {path}, three", partial(ask.feast, [1, 2, 3], now, "now", path=path))
    yield Check(f"POST {path}, one", partial(ask.feast, [2], now, "now", path=path))
    yield Check(f"POST {path}, partial", ask.partial)


def _by_series(ask: Questions) -> Iterator[Check]:
    """Series of temperature, in KServe's schema."""
    yield Check("POST /v1/timeseries/forecast, three", partial(ask.series, [1, 2, 3], ask.newest))
    yield Check("POST /v1/timeseries/forecast, 100 hours ago", partial(ask.series, [3], ask.hours_ago(100)))


def _by_protocol(ask: Questions) -> Iterator[Check]:
    """The Open Inference Protocol."""
    inputs = ask.offline.row(1, ask.newest)
    columns = {str(name): values.to_numpy() for name, values in inputs.items()}
    locations = {ENTITY_KEY: np.array([2, 3])}
    yield Check("V2 JSON, columns", partial(ask.v2_json, _tensors(columns), ask.offline.forecast(inputs)))
    yield Check("V2 JSON, entities", partial(ask.v2_json, _tensors(locations), ask.now([2, 3])))
    yield Check("V2 binary, columns", partial(ask.v2_binary, columns, ask.offline.forecast(inputs)))
    yield Check("V2 gRPC, columns", partial(ask.v2_grpc, columns, ask.offline.forecast(inputs)))
    yield Check("V2 gRPC, entities", partial(ask.v2_grpc, locations, ask.now([2, 3]), time_point="now"))


def _refused(ask: Questions) -> Iterator[Check]:
    """Requests that have no right answer, and say so."""
    feast, infer = "/predict/feast", "/v2/models/forecast/infer"
    columns = _columns(ask.offline.row(1, ask.newest))
    early, late = ask.hours_ago(HOURS - LAGS + 1), ask.hours_ago(-1)
    for name, path, body, status, word in (
        ("too early", feast, {"entities": [1], "time_point": early.isoformat()}, 422, ""),
        ("too late", feast, {"entities": [1], "time_point": late.isoformat()}, 422, ""),
        ("unknown entity", feast, {"entities": [1, UNKNOWN]}, 422, str(UNKNOWN)),
        ("no time", feast, {"entities": [1], "time_point": "yesterday"}, 400, ""),
        ("a typo", feast, {"entites": [1]}, 400, "entites"),
        ("missing column", "/predict", {"data": {"temp_lag_00": [50.0]}}, 422, "temp_lag_01"),
        ("text for a number", "/predict", {"data": columns | {"temp_lag_00": ["warm"]}}, 422, "temp_lag_00"),
        ("no such hour", "/predict", {"data": columns | {"hour_lag_00": [25.0]}}, 422, ""),
        ("wrong shape", infer, {"inputs": [_tensor("temp", [2, 2], "FP64", [1.0])]}, 400, "temp"),
        ("unknown model", "/v2/models/nothing/infer", {"inputs": []}, 404, ""),
    ):
        yield Check(f"{status}: {name}", partial(ask.refuses, path, body, status, word))
    yield Check("400: not JSON", partial(ask.refuses_bytes, "/predict", b"{not json", 400, ""))


def _plain(values: pd.Series) -> list[float | None]:
    """Write numbers as JSON has them: what is not known is null."""
    return [None if math.isnan(value) else float(value) for value in values]


def _columns(inputs: pd.DataFrame) -> dict[str, list[float | None]]:
    """Write rows as columns."""
    return {str(name): _plain(values) for name, values in inputs.items()}


def _tensor(name: str, shape: list[int], datatype: str, data: list[Any]) -> dict[str, Any]:
    """Write one tensor of the protocol."""
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


def _tensors(arrays: Mapping[Any, np.ndarray]) -> list[dict[str, Any]]:
    """Write arrays as tensors of the protocol, NaN as null."""
    return [
        _tensor(str(name), list(values.shape), "INT64" if values.dtype.kind == "i" else "FP64", _plain_any(values))
        for name, values in arrays.items()
    ]


def _plain_any(values: np.ndarray) -> list[Any]:
    """Write an array's numbers, whole ones as whole ones."""
    return values.tolist() if values.dtype.kind == "i" else _plain(pd.Series(values))
