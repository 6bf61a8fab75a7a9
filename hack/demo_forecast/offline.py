"""Offline: what the pair of the registry forecasts, computed without Twinpin: pandas, MLflow, nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from demo_forecast import rows
from demo_forecast.registering import ALIAS, MODEL, PREPROCESSOR
from demo_forecast.weather import Weather


@dataclass(frozen=True, slots=True)
class Offline:
    """The aliased pair as MLflow loads it, and the weather that Feast was filled from."""

    preprocessor: Any
    model: Any
    preprocessor_version: str
    model_version: str
    weather: Weather

    def row(self, location: int, time: pd.Timestamp) -> pd.DataFrame:
        """Build the inputs of one location at one hour from the series."""
        return rows.inputs(self.weather[location].loc[:time]).tail(1)

    def forecast(self, inputs: pd.DataFrame) -> np.ndarray:
        """Forecast `[n, 24]` for rows of inputs."""
        return np.asarray(self.model.predict(self.preprocessor.transform(inputs)))

    def at(self, locations: Sequence[int], time: pd.Timestamp) -> np.ndarray:
        """Forecast `[n, 24]` for locations at one hour."""
        return self.forecast(pd.concat([self.row(location, time) for location in locations]))


def load(weather: Weather) -> Offline:
    """Load what the alias is on."""
    client = mlflow.MlflowClient()
    first, second = (str(client.get_model_version_by_alias(name, ALIAS).version) for name in (PREPROCESSOR, MODEL))
    preprocessor = mlflow.sklearn.load_model(f"models:/{PREPROCESSOR}/{first}")
    model = mlflow.pyfunc.load_model(f"models:/{MODEL}/{second}")
    return Offline(preprocessor, model, first, second, weather)
