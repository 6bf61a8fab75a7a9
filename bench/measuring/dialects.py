"""Dialects: the same request as each server wants it, and the forecasts out of each one's answer."""

import math
from collections.abc import Callable
from typing import Any

#: A request in JSON: its path and its body.
Asked = tuple[str, dict[str, Any]]
Dialect = Callable[[dict[str, Any]], Asked]


def rest(case: dict[str, Any]) -> Asked:
    """Ask as Twinpin's REST is asked."""
    return case["path"], case["body"]


def one_path(case: dict[str, Any]) -> Asked:
    """Ask with the same bodies at one path for all."""
    return "/predict", case["body"]


def v1(case: dict[str, Any]) -> Asked:
    """Ask in KServe's V1 protocol, at the root of an InferenceGraph."""
    body = case["body"]
    instances = [_row(body)] if "data" in body else [{"location_id": entity} for entity in body["entities"]]
    return "/", {"instances": instances}


def v2(case: dict[str, Any]) -> Asked:
    """Ask in the Open Inference Protocol, with one tensor: a row as a matrix, or the entities."""
    body = case["body"]
    if "data" in body:
        values = _row(body)
        tensor = {"name": "features", "shape": [1, len(values)], "datatype": "FP64", "data": values}
    else:
        entities = body["entities"]
        tensor = {"name": "location_id", "shape": [len(entities)], "datatype": "INT64", "data": entities}
    return "/v2/models/forecast/infer", {"inputs": [tensor]}


def forecasts(answer: dict[str, Any], case: dict[str, Any]) -> list[list[float]]:
    """Return the forecasts of an answer in the order of the request."""
    if "outputs" in answer:
        tensor = answer["outputs"][0]
        width = tensor["shape"][-1]
        return [tensor["data"][i : i + width] for i in range(0, math.prod(tensor["shape"]), width)]
    if "prediction" in answer:
        return [answer["prediction"]]
    predictions = answer["predictions"]
    if isinstance(predictions, list):
        return predictions
    return [predictions[str(entity)] for entity in case["body"]["entities"]]


def _row(body: dict[str, Any]) -> list[float | None]:
    return [values[0] for values in body["data"].values()]
