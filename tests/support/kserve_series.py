"""KServe's own types of the time-series API, without the rest of its SDK, which reads the command line of its user."""

import importlib.util
import sys
from pathlib import Path


def _types():
    """Load the one file of the installed package."""
    package = Path(importlib.util.find_spec("kserve").origin).parent
    file = package / "protocol" / "rest" / "timeseries" / "types.py"
    spec = importlib.util.spec_from_file_location("kserve_series_types", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # pydantic looks its annotations up there
    spec.loader.exec_module(module)
    return module


types = _types()


def body(*series, horizon=1, quantiles=None, model="forecast", **more):
    """Write a request by KServe's types; each of *series* as (name, values) or the keys of an input."""
    inputs = [each if isinstance(each, dict) else {"name": each[0], "series": list(each[1])} for each in series]
    defaults = {"type": "univariate_time_series", "frequency": "hour"}
    request = types.ForecastRequest(
        model=model,
        inputs=[types.TimeSeriesInput(**defaults | each) for each in inputs],
        options=types.ForecastOptions(horizon=horizon, quantiles=quantiles),
        **more,
    )
    return request.model_dump(mode="json")


def read(response):
    """Read an answer by KServe's types; returns it, and the one content of each output."""
    assert response.status_code == 200, response.text
    answer = types.ForecastResponse.model_validate(response.json())
    return answer, [content for output in answer.outputs for content in output.content]
