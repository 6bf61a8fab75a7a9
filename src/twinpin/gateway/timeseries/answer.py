"""Answer: the graph's message as the time-series API has it, one output for each series."""

import time
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from twinpin.gateway import answers
from twinpin.gateway.timeseries.request import UNIVARIATE, Series, SeriesRequest
from twinpin.step.errors import Broken, Impossible, Malformed
from twinpin.step.step import Message

MEDIAN = 0.5
#: Quantiles are kept in single precision.
_PRECISION = 1e-6


def answer(request: SeriesRequest, made: Message, starts: Sequence[datetime]) -> dict[str, Any]:
    """Write the forecast *made* of the request; *starts*: the time of each forecast's first value.

    Raises Malformed for a horizon or a quantile that the model does not have.
    """
    rows = answers.forecast_rows(made)
    if len(rows) != len(request.series):
        raise Broken("The graph answered with another number of rows than it was sent.")
    points, quantiles = _steps(rows, answers.quantiles(made), request)
    response = f"forecast-{uuid.uuid4().hex}"
    return {
        "id": response,
        "created_at": int(time.time()),
        "status": "completed",
        "error": None,
        "model": request.model,
        "outputs": [
            {
                "type": "time_series_forecast",
                "id": f"{response}-{row}",
                "status": "completed",
                "content": [
                    {
                        "type": UNIVARIATE,
                        "name": series.name,
                        "mean_forecast": points[row],
                        "frequency": series.frequency,
                        "start_timestamp": text(starts[row]),
                        "quantiles": {name: values[row] for name, values in quantiles.items()} or None,
                    }
                ],
                "error": None,
            }
            for row, series in enumerate(request.series)
        ],
        "usage": _usage(request.series, points),
        "pair": answers.pair(made),
    }


def text(moment: datetime) -> str:
    """Write a time in ISO 8601, UTC as Z."""
    return moment.isoformat().replace("+00:00", "Z")


def _steps(
    rows: np.ndarray, known: Sequence[float], request: SeriesRequest
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Give the point forecast `[n, horizon]`, and the same for each quantile asked for, by its text.

    A row of a model with quantiles holds one value for each of them, all of one step.
    """
    longest = 1 if known else rows.shape[1]
    if request.horizon > longest:
        raise Malformed(f"options.horizon is {request.horizon} and the model forecasts {longest} steps: ask for fewer.")
    if not known:
        if request.quantiles:
            raise Malformed("options.quantiles: the model forecasts no quantiles; leave them out.")
        return rows[:, : request.horizon], {}
    quantiles = {str(each): _quantile(rows, known, each, "options.quantiles") for each in request.quantiles}
    return _median(rows, known), quantiles


def _median(rows: np.ndarray, known: Sequence[float]) -> np.ndarray:
    """Take the point forecast of a model with quantiles."""
    if not any(abs(each - MEDIAN) < _PRECISION for each in known):
        raise Impossible(
            f"The model forecasts the quantiles {_listed(known)} and no point: train it with 0.5 too, or ask /predict."
        )
    return _quantile(rows, known, MEDIAN, "the median")


def _quantile(rows: np.ndarray, known: Sequence[float], wanted: float, what: str) -> np.ndarray:
    """Take the column of one quantile, `[n, 1]`."""
    for column, each in enumerate(known):
        if abs(each - wanted) < _PRECISION:
            return rows[:, column : column + 1]
    raise Malformed(f"{what}: the model has no quantile {wanted}; it has {_listed(known)}.")


def _usage(series: Sequence[Series], points: np.ndarray) -> dict[str, int]:
    """Count the values that came and those of the point forecast, where the API has tokens."""
    came = sum(len(each.values) for each in series)
    return {"prompt_tokens": came, "completion_tokens": points.size, "total_tokens": came + points.size}


def _listed(quantiles: Sequence[float]) -> str:
    """Name quantiles."""
    return ", ".join(map(str, quantiles))
