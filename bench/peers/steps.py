"""The three steps as the users of Feast and MLflow write them; a peer adds only what its tool needs around them."""

import os
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from feast import FeatureStore

KEY = "location_id"
#: The features in the order that the pair was fitted on; Feast answers in one of its own.
COLUMNS = [
    f"{series}_lag_{lag:02d}"
    for series in ("temp", "dewp", "humid", "wind_speed", "pressure", "visib")
    for lag in range(24)
]


class Features:
    """Entities to one row of raw features each, all in one query."""

    def __init__(self) -> None:
        self.store = FeatureStore(repo_path=str(Path(os.environ["BENCH_WORK"]) / "features"))
        self.service = self.store.get_feature_service("scalar_features")

    def __call__(self, entities: list[int]) -> pd.DataFrame:
        """Read the newest features."""
        answer = self.store.get_online_features(
            features=self.service, entity_rows=[{KEY: entity} for entity in entities]
        )
        return answer.to_df()[COLUMNS]


class Preprocess:
    """Raw features to the model's inputs, by the registered pyfunc."""

    def __init__(self) -> None:
        self.model = mlflow.pyfunc.load_model("models:/xgboost_preprocessor@production")

    def __call__(self, raw: pd.DataFrame) -> pd.DataFrame:
        """Impute and scale; the signature asks for doubles, and takes no null among them but NaN."""
        return self.model.predict(raw.astype("float64"))


class Predict:
    """The model's inputs to forecasts, by the registered pyfunc."""

    def __init__(self) -> None:
        self.model = mlflow.pyfunc.load_model("models:/xgboost_model@production")
        self.columns = self.model.metadata.get_input_schema().input_names()

    def __call__(self, scaled: pd.DataFrame) -> np.ndarray:
        """Predict `[rows, hours]`."""
        return np.asarray(self.model.predict(scaled))


class Forecast:
    """The steps in one process."""

    def __init__(self) -> None:
        self.features, self.preprocess, self.predict = Features(), Preprocess(), Predict()

    def of_data(self, data: dict[str, list[float | None]]) -> list[list[float]]:
        """Forecast for the rows that a request brings along."""
        return self.of_rows(pd.DataFrame(data)).tolist()

    def of_entities(self, entities: list[int]) -> list[list[float]]:
        """Forecast from the store."""
        return self.of_rows(self.features(entities)).tolist()

    def of_rows(self, raw: pd.DataFrame) -> np.ndarray:
        """Forecast for a frame of raw features."""
        return self.predict(self.preprocess(raw))


def table(rows: list[list[float | None]] | np.ndarray) -> pd.DataFrame:
    """Name the columns of bare rows."""
    return pd.DataFrame(rows, columns=COLUMNS)


def by_entity(entities: list[int], forecasts: list[list[float]]) -> dict[str, list[float]]:
    """Name each forecast for its entity."""
    return {str(entity): forecast for entity, forecast in zip(entities, forecasts, strict=True)}
