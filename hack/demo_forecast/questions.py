"""Questions: what a user asks the server, with what the offline pair says to it."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from demo_forecast import client
from demo_forecast.filling import ENTITY_KEY
from demo_forecast.offline import Offline
from demo_forecast.rows import HORIZON, LAGS, TARGET
from demo_forecast.serving import Address

UNKNOWN = 9


class Differs(Exception):
    """The server's answer is not the one that it should be."""


class Questions:
    """Asks one server; each question gives the largest difference from the offline forecast, where there is one."""

    def __init__(self, address: Address, offline: Offline, newest: pd.Timestamp) -> None:
        self._address = address
        self.offline = offline
        self.newest = newest

    def health(self) -> None:
        """All parts are there, and the pair is the alias's."""
        answer = self._get("/health").json()
        _require(answer["status"] == "ok" and answer["model_loaded"] and answer["feast_available"], answer)
        self._require_pair(answer["pair"])

    def holds(self, path: str, words: str) -> None:
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

    def payload(self, body: Any, inputs: pd.DataFrame) -> float:
        """Forecast from columns."""
        answer = self._post("/predict", body)
        self._require_plain(answer)
        return _difference([answer.json()["prediction"]], self.offline.forecast(inputs))

    def feast(self, entities: Any, time: pd.Timestamp, point: str, path: str = "/predict/feast") -> float:
        """Forecast for entities."""
        body = {"entities": entities, "entity_key": ENTITY_KEY, "time_point": point}
        answer = self._post(path, body)
        self._require_plain(answer)
        locations = entities if isinstance(entities, list) else [entities or 1]
        document = answer.json()
        if len(locations) == 1 and not path.endswith("batch"):
            return _difference(document["prediction"], self.offline.at(locations, time))
        _require(list(document["predictions"]) == [str(each) for each in locations], list(document["predictions"]))
        return _difference(list(document["predictions"].values()), self.offline.at(locations, time))

    def partial(self) -> float:
        """An entity that nobody knows is left out and listed."""
        body = {"entities": [UNKNOWN, 1], "entity_key": ENTITY_KEY, "time_point": "now", "partial": True}
        document = self._post("/predict/feast/batch", body).json()
        _require(list(document["missing"]) == [str(UNKNOWN)] and list(document["predictions"]) == ["1"], document)
        return _difference(document["predictions"]["1"], self.now([1]))

    def v2_json(self, inputs: list[dict[str, Any]], expected: np.ndarray) -> float:
        """The protocol over REST, in JSON."""
        answer = self._post("/v2/models/forecast/infer", {"inputs": inputs})
        self._require_stamp(answer.json())
        return _difference(client.json_forecast(answer), expected)

    def v2_binary(self, tensors: dict[str, np.ndarray], expected: np.ndarray) -> float:
        """The protocol over REST, with raw tensors both ways."""
        body, headers = client.binary(tensors)
        answer = client.send(self._address, "POST", "/v2/models/forecast/infer", body, **headers)
        _require(answer.status == 200, f"{answer.status}: {answer.body[:300]!r}")  # noqa: PLR2004
        return _difference(client.binary_forecast(answer), expected)

    def v2_grpc(self, tensors: dict[str, np.ndarray], expected: np.ndarray, **parameters: str) -> float:
        """The protocol over gRPC."""
        forecast, version = client.grpc_forecast(self._address, tensors, **parameters)
        _require(version == self.offline.model_version, f"model_version {version!r}")
        return _difference(forecast, expected)

    def series(self, locations: list[int], time: pd.Timestamp) -> float:
        """KServe's time-series API: the temperatures come along, all else from the store as it was then."""
        held = [self.offline.weather[location][TARGET].loc[:time].tail(LAGS) for location in locations]
        inputs = [
            {
                "type": "univariate_time_series",
                "name": str(location),
                "series": [None if math.isnan(value) else float(value) for value in values],
                "frequency": "hour",
                "start_timestamp": values.index[0].isoformat(),
            }
            for location, values in zip(locations, held, strict=True)
        ]
        body = {"model": "forecast", "inputs": inputs, "options": {"horizon": HORIZON}}
        answer = self._post("/v1/timeseries/forecast", body)
        self._require_plain(answer)
        contents = [output["content"][0] for output in answer.json()["outputs"]]
        begins = {pd.Timestamp(content["start_timestamp"]) for content in contents}
        _require(begins == {time + pd.Timedelta(hours=1)}, begins)
        return _difference([content["mean_forecast"] for content in contents], self.offline.at(locations, time))

    def refuses(self, path: str, body: Any, status: int, word: str) -> None:
        """The status is right, and the sentence names what is wrong."""
        self.refuses_bytes(path, json.dumps(body).encode(), status, word)

    def refuses_bytes(self, path: str, body: bytes, status: int, word: str) -> None:
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
        _require(document["model_version"] == self.offline.model_version, document["model_version"])

    def _require_pair(self, pair: Mapping[str, Any]) -> None:
        """The pair is the one that the alias is on."""
        preprocessor, model = self.offline.preprocessor_version, self.offline.model_version
        _require((pair["preprocessor_version"], pair["model_version"]) == (preprocessor, model), pair)
        _require(str(pair["id"]).startswith(f"p{preprocessor}-m{model}-"), pair)

    def now(self, locations: list[int]) -> np.ndarray:
        """The offline forecast at the newest hour."""
        return self.offline.at(locations, self.newest)

    def hours_ago(self, hours: int) -> pd.Timestamp:
        """Name an hour by its distance from the newest."""
        return self.newest - pd.Timedelta(hours=hours)


def _require(holds: bool, found: object) -> None:
    """Raise Differs with what was found instead."""
    if not holds:
        raise Differs(str(found))


def _difference(found: Any, expected: np.ndarray) -> float:
    """Give the largest difference; forecasts of other shapes differ without end."""
    values = np.array(found, dtype=float).reshape(-1, HORIZON)
    _require(values.shape == expected.shape, f"forecasts of shape {values.shape} instead of {expected.shape}")
    return float(np.max(np.abs(values - expected)))
