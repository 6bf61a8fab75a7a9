"""Answers: the graph's message as the plain JSON that `/predict` and `/predict/feast` promise."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from twinpin.gateway.requests import EntityQuery
from twinpin.step import step
from twinpin.step.errors import Broken

PAIR_HEADER = b"x-twinpin-pair"


def payload_answer(message: step.Message) -> dict[str, Any]:
    """Give one row's horizon as a list, k rows' as k lists."""
    rows = forecast_rows(message)
    return {"prediction": rows[0] if len(rows) == 1 else rows} | _said(message)


def entity_answer(message: step.Message, query: EntityQuery) -> dict[str, Any]:
    """Give one entity's horizon as a list, several by entity, with the time of the newest row that each rests on."""
    rows = forecast_rows(message)
    names = entities(message)
    times = listed(message, step.AS_OF)
    if len(names) != len(rows) or len(times) not in {0, len(rows)}:
        raise Broken("The features step did not say which entity each row belongs to.")
    if query.several:
        answer: dict[str, Any] = {"predictions": dict(zip(names, rows, strict=True))}
        answer["as_of"] = dict(zip(names, times, strict=False))
    else:
        answer = {"prediction": rows[0], "as_of": times[0] if times else None}
    if query.partial:
        answer["missing"] = _object(message, step.MISSING)
    return answer | _said(message)


def entities(message: step.Message) -> list[str]:
    """Name the entity of each row, as text."""
    return [str(each) for each in listed(message, step.ENTITIES)]


def _said(message: step.Message) -> dict[str, Any]:
    """Say what the values of a row are, where they are quantiles, and which pair made them."""
    told: dict[str, Any] = {"quantiles": quantiles(message)} if step.QUANTILES in message.parameters else {}
    return told | {"pair": pair(message)}


def pair(message: step.Message) -> dict[str, str | None]:
    """Name the pair that made the forecast, and both versions."""
    version = message.parameters.get(step.MODEL_VERSION, message.version) or None
    return {
        "id": _text(message.parameters.get(step.PAIR)),
        "preprocessor_version": _text(message.parameters.get(step.PREPROCESSOR_VERSION)),
        "model_version": _text(version),
    }


def forecast_rows(message: step.Message) -> np.ndarray:
    """Return the forecast `[n, H]`: the first tensor that the graph's last step gave, with `[n]` as `[n, 1]`."""
    values = next(iter(message.tensors.values()), None)
    if values is None or values.ndim == 0 or values.dtype == object or not len(values):
        raise Broken("The graph answered without a forecast.")
    return np.ascontiguousarray(values.reshape(len(values), -1))


def quantiles(message: step.Message) -> list[float]:
    """The quantiles that the values of each row are, in their order; none where the model forecasts none."""
    return listed(message, step.QUANTILES)


def listed(message: step.Message, name: str) -> list[Any]:
    """Read a parameter that holds a list."""
    value = _parameter(message, name, "[]")
    return value if isinstance(value, list) else []


def encode(document: Mapping[str, Any]) -> bytes:
    """Write the answer; arrays as the shortest text that reads back to the same float, NaN as null."""
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def _text(value: object) -> str | None:
    """Write a parameter as text."""
    return None if value is None else str(value)


def _object(message: step.Message, name: str) -> dict[str, Any]:
    """Read a parameter that holds an object."""
    value = _parameter(message, name, "{}")
    return value if isinstance(value, dict) else {}


def _parameter(message: step.Message, name: str, default: str) -> Any:
    """A structure that travels as JSON text."""
    try:
        return orjson.loads(str(message.parameters.get(name, default)))
    except orjson.JSONDecodeError as error:
        raise Broken(f"The graph answered with a parameter {name!r} that is not JSON.") from error
