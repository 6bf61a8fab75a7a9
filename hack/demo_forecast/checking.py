"""Checking: one request of every kind, each forecast compared with the offline computation of the same pair."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from demo_forecast import client
from demo_forecast.filling import ENTITY_KEY, HOURS
from demo_forecast.offline import Offline
from demo_forecast.progress import table
from demo_forecast.rows import HORIZON, LAGGED, LAGS
from demo_forecast.serving import Address

#: Largest difference from the offline forecast, in °F.
TOLERANCE = 1e-5

UNKNOWN = 9


class Differs(Exception):
    """The server's answer is not the one that it should be."""


@dataclass(frozen=True, slots=True)
class Check:
    """One request: *ask* gives the largest difference, or None where no forecast is asked for."""

    name: str
    ask: Callable[[], float | None]


class Checker:
    """Asks one server, knowing what the offline pair says."""

    def __init__(self, address: Address, offline: Offline, newest: pd.Timestamp) -> None:
        self._address = address
        self._offline = offline
        self._newest = newest

    def checks(self) -> Iterator[Check]:
        """List every kind of request."""
        yield from self._service()
        yield from self._by_payload()
        yield from self._by_entity()
        yield from self._by_protocol()
        yield from self._refused()

    def _service(self) -> Iterator[Check]:
        """What is not a forecast."""
        yield Check("GET /health", self._health)
        for path, words in {
            "/v2/health/live": "",
            "/v2/health/ready": "",
            "/v2/models/forecast": '"outputs"',
            "/metrics": "twinpin_requests_total",
            "/openapi.json": "/predict/feast/batch",
            "/": "<html",
        }.items():
            yield Check(f"GET {path}", lambda path=path, words=words: self._holds(path, words))

    def _by_payload(self) -> Iterator[Check]:
        """Rows that the client brings."""
        one = self._offline.row(1, self._newest)
        several = pd.concat([self._offline.row(2, self._hours_ago(hours)) for hours in range(5)])
        gaps = one.copy()
        gaps.iloc[0, ::7] = math.nan
        gaps["hour_lag_00"] = one["hour_lag_00"]
        for name, inputs in {"one row": one, "five rows": several, "gaps as null": gaps}.items():
            body = {"data": _columns(inputs)}
            yield Check(f"POST /predict, {name}", lambda body=body, inputs=inputs: self._payload(body, inputs))
        series = self._offline.weather[3].loc[: self._newest].tail(LAGS)
        windows = {name: [_plain(series[name])] for name in (*LAGGED, "hour")}
        inputs = self._offline.row(3, self._newest)
        yield Check("POST /predict, windows", lambda: self._payload({"data": windows}, inputs))

    def _by_entity(self) -> Iterator[Check]:
        """Rows that come from Feast."""
        now, first = self._newest, self._hours_ago(HOURS - LAGS)
        yield Check("POST /predict/feast, now", lambda: self._feast([2], now, "now"))
        yield Check("POST /predict/feast, one id", lambda: self._feast(3, now, "now"))
        yield Check("POST /predict/feast, null", lambda: self._feast(None, now, "now"))
        yield Check("POST /predict/feast, three", lambda: self._feast([3, 1, 2], now, "now"))
        for name, time in {"100 hours ago": self._hours_ago(100), "earliest hour": first}.items():
            yield Check(f"POST /predict/feast, {name}", lambda time=time: self._feast([1], time, time.isoformat()))
        path = "/predict/feast/batch"
        yield Check(f"POST {path}, three", lambda: self._feast([1, 2, 3], now, "now", path=path))
        yield Check(f"POST {path}, one", lambda: self._feast([2], now, "now", path=path))
        yield Check(f"POST {path}, partial", self._partial)

    def _by_protocol(self) -> Iterator[Check]:
        """The Open Inference Protocol."""
        inputs = self._offline.row(1, self._newest)
        columns = {name: values.to_numpy() for name, values in inputs.items()}
        locations = {ENTITY_KEY: np.array([2, 3])}
        yield Check("V2 JSON, columns", lambda: self._v2_json(_tensors(columns), self._offline.forecast(inputs)))
        yield Check("V2 JSON, entities", lambda: self._v2_json(_tensors(locations), self._now([2, 3])))
        yield Check("V2 binary, columns", lambda: self._v2_binary(columns, self._offline.forecast(inputs)))
        yield Check("V2 gRPC, columns", lambda: self._v2_grpc(columns, self._offline.forecast(inputs)))
        yield Check("V2 gRPC, entities", lambda: self._v2_grpc(locations, self._now([2, 3]), time_point="now"))

    def _refused(self) -> Iterator[Check]:
        """Requests that have no right answer, and say so."""
        feast, infer = "/predict/feast", "/v2/models/forecast/infer"
        early, late = self._hours_ago(HOURS - LAGS + 1), self._hours_ago(-1)
        for name, path, body, status, word in (
            ("too early", feast, {"entities": [1], "time_point": early.isoformat()}, 422, ""),
            ("too late", feast, {"entities": [1], "time_point": late.isoformat()}, 422, ""),
            ("unknown entity", feast, {"entities": [1, UNKNOWN]}, 422, str(UNKNOWN)),
            ("no time", feast, {"entities": [1], "time_point": "yesterday"}, 400, ""),
            ("a typo", feast, {"entites": [1]}, 400, "entites"),
            ("missing column", "/predict", {"data": {"temp_lag_00": [50.0]}}, 422, "temp_lag_01"),
            ("text for a number", "/predict", {"data": {"temp_lag_00": ["warm"]}}, 400, ""),
            ("wrong shape", infer, {"inputs": [_tensor("temp", [2, 2], "FP64", [1.0])]}, 400, "temp"),
            ("unknown model", "/v2/models/nothing/infer", {"inputs": []}, 404, ""),
        ):
            ask = lambda path=path, body=body, status=status, word=word: self._refuses(path, body, status, word)  # noqa: E731
            yield Check(f"{status}: {name}", ask)
        yield Check("400: not JSON", lambda: self._refuses_bytes("/predict", b"{not json", 400, ""))

    def _health(self) -> None:
        """All parts are there, and the pair is the alias's."""
        answer = self._get("/health").json()
        _require(answer["status"] == "ok" and answer["model_loaded"] and answer["feast_available"], answer)
        self._require_pair(answer["pair"])

    def _holds(self, path: str, words: str) -> None:
        """The page is there and is what it should be."""
        text = self._get(path).body.decode()
        _require(words.lower() in text.lower(), f"{path} does not hold {words}")

    def _get(self, path: str) -> client.Answer:
        """Get a page that must be there."""
        answer = client.send(self._address, "GET", path)
        _require(answer.status == 200, f"{path} answers {answer.status}: {answer.body[:300]!r}")  # noqa: PLR2004
        return answer

    def _post(self, path: str, body: Any) -> client.Answer:
        """Ask for a forecast that must come."""
        answer = client.send(self._address, "POST", path, json.dumps(body).encode())
        _require(answer.status == 200, f"{answer.status}: {answer.body[:300]!r}")  # noqa: PLR2004
        return answer

    def _payload(self, body: Any, inputs: pd.DataFrame) -> float:
        """Forecast from columns."""
        answer = self._post("/predict", body)
        self._require_plain(answer)
        return _difference([answer.json()["prediction"]], self._offline.forecast(inputs))

    def _feast(self, entities: Any, time: pd.Timestamp, point: str, path: str = "/predict/feast") -> float:
        """Forecast for entities."""
        body = {"entities": entities, "entity_key": ENTITY_KEY, "time_point": point}
        answer = self._post(path, body)
        self._require_plain(answer)
        locations = entities if isinstance(entities, list) else [entities or 1]
        document = answer.json()
        if len(locations) == 1 and not path.endswith("batch"):
            return _difference(document["prediction"], self._offline.at(locations, time))
        _require(list(document["predictions"]) == [str(each) for each in locations], list(document["predictions"]))
        return _difference(list(document["predictions"].values()), self._offline.at(locations, time))

    def _partial(self) -> float:
        """An entity that nobody knows is left out and listed."""
        body = {"entities": [UNKNOWN, 1], "entity_key": ENTITY_KEY, "time_point": "now", "partial": True}
        document = self._post("/predict/feast/batch", body).json()
        _require(list(document["missing"]) == [str(UNKNOWN)] and list(document["predictions"]) == ["1"], document)
        return _difference(document["predictions"]["1"], self._now([1]))

    def _v2_json(self, inputs: list[dict[str, Any]], expected: np.ndarray) -> float:
        """The protocol over REST, in JSON."""
        answer = self._post("/v2/models/forecast/infer", {"inputs": inputs})
        self._require_stamp(answer.json())
        return _difference(client.json_forecast(answer), expected)

    def _v2_binary(self, tensors: dict[str, np.ndarray], expected: np.ndarray) -> float:
        """The protocol over REST, with raw tensors both ways."""
        body, headers = client.binary(tensors)
        answer = client.send(self._address, "POST", "/v2/models/forecast/infer", body, **headers)
        _require(answer.status == 200, f"{answer.status}: {answer.body[:300]!r}")  # noqa: PLR2004
        return _difference(client.binary_forecast(answer), expected)

    def _v2_grpc(self, tensors: dict[str, np.ndarray], expected: np.ndarray, **parameters: str) -> float:
        """The protocol over gRPC."""
        forecast, version = client.grpc_forecast(self._address, tensors, **parameters)
        _require(version == self._offline.model_version, f"model_version {version!r}")
        return _difference(forecast, expected)

    def _refuses(self, path: str, body: Any, status: int, word: str) -> None:
        """The status is right, and the sentence names what is wrong."""
        self._refuses_bytes(path, json.dumps(body).encode(), status, word)

    def _refuses_bytes(self, path: str, body: bytes, status: int, word: str) -> None:
        """The same for a body as it is."""
        answer = client.send(self._address, "POST", path, body)
        _require(answer.status == status, f"{answer.status}: {answer.body[:300]!r}")
        _require(word in answer.json()["error"], answer.json())

    def _require_plain(self, answer: client.Answer) -> None:
        """The plain answer says which pair made it, in the body and in a header."""
        pair = answer.json()["pair"]
        self._require_pair(pair)
        _require(answer.headers.get("x-twinpin-pair") == pair["id"], answer.headers)

    def _require_stamp(self, document: Mapping[str, Any]) -> None:
        """The protocol's answer says so in its parameters."""
        names = {"id": "pair", "preprocessor_version": "preprocessor_version", "model_version": "model_version"}
        self._require_pair({ours: document["parameters"].get(name) for ours, name in names.items()})
        _require(document["model_version"] == self._offline.model_version, document["model_version"])

    def _require_pair(self, pair: Mapping[str, Any]) -> None:
        """The pair is the one that the alias is on."""
        preprocessor, model = self._offline.preprocessor_version, self._offline.model_version
        _require((pair["preprocessor_version"], pair["model_version"]) == (preprocessor, model), pair)
        _require(str(pair["id"]).startswith(f"p{preprocessor}-m{model}-"), pair)

    def _now(self, locations: list[int]) -> np.ndarray:
        """The offline forecast at the newest hour."""
        return self._offline.at(locations, self._newest)

    def _hours_ago(self, hours: int) -> pd.Timestamp:
        """Name an hour by its distance from the newest."""
        return self._newest - pd.Timedelta(hours=hours)


def run(checks: Iterator[Check]) -> bool:
    """Do all checks and print a table; True when every one holds."""
    rows: list[tuple[str, ...]] = [("request", "difference, °F", "result")]
    good = True
    for check in checks:
        difference, result = _outcome(check)
        good = good and result == "ok"
        rows.append((check.name, "" if difference is None else f"{difference:.1e}", result))
    print(table(rows))
    print(
        f"{len(rows) - 1} checks, {sum(row[-1] != 'ok' for row in rows[1:])} failed, largest difference {TOLERANCE} °F"
    )
    return good


def _outcome(check: Check) -> tuple[float | None, str]:
    """Do one check; an answer that cannot even be read differs too."""
    try:
        difference = check.ask()
    except (Differs, OSError, ValueError, KeyError, TypeError) as error:
        return None, f"FAILED: {type(error).__name__}: {error}"
    if difference is not None and not difference <= TOLERANCE:
        return difference, f"FAILED: more than {TOLERANCE} °F"
    return difference, "ok"


def _require(holds: bool, found: object) -> None:
    """Raise Differs with what was found instead."""
    if not holds:
        raise Differs(str(found))


def _difference(found: Any, expected: np.ndarray) -> float:
    """Give the largest difference; forecasts of other shapes differ without end."""
    values = np.array(found, dtype=float).reshape(-1, HORIZON)
    _require(values.shape == expected.shape, f"forecasts of shape {values.shape} instead of {expected.shape}")
    return float(np.max(np.abs(values - expected)))


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
