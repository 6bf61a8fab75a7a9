"""Training: a preprocessor and an XGBoost regressor, and what they are worth against two naive forecasts."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from xgboost import XGBRegressor

from demo_forecast import rows
from demo_forecast.weather import Weather

#: The last month is held out; no target of the training rows lies in it.
HELD_OUT = pd.Timestamp("2013-12-01T00:00Z")


@dataclass(frozen=True, slots=True)
class Error:
    """Mean absolute and root mean squared error over all hours of the horizon, in °F."""

    mae: float
    rmse: float


@dataclass(frozen=True, slots=True)
class Trained:
    """A pair as it leaves training."""

    preprocessor: ColumnTransformer
    model: XGBRegressor
    #: A few rows as they come from the features, and the matrix that the preprocessor makes of them.
    example: pd.DataFrame
    matrix: pd.DataFrame
    parameters: Mapping[str, float]
    #: Method -> its error on the held-out month.
    errors: Mapping[str, Error]


class NotBetter(Exception):
    """The model does not beat a naive forecast, so it is not worth serving."""


def split(weather: Weather) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Inputs and targets to learn from, then those of the held-out month."""
    parts = [rows.examples(series) for series in weather.values()]
    columns, known = (pd.concat(each) for each in zip(*parts, strict=True))
    early = columns.index < HELD_OUT - pd.Timedelta(hours=rows.HORIZON)
    late = columns.index >= HELD_OUT
    return columns[early], known[early], columns[late], known[late]


def preprocessing() -> ColumnTransformer:
    """Impute and scale the measurements, encode the hour of the day; nothing in it depends on our code."""
    measured = [f"{name}_lag_{lag:02d}" for name in rows.LAGGED for lag in range(rows.LAGS)]
    hours = [np.arange(24.0)]
    return ColumnTransformer(
        [
            ("measured", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), measured),
            ("hour", OneHotEncoder(categories=hours, sparse_output=False), ["hour_lag_00"]),
        ],
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")


def train(weather: Weather, *, rounds: int, depth: int) -> Trained:
    """Fit on January to November, judge on December; raises NotBetter where a naive forecast is as good."""
    columns, known, held_columns, held_known = split(weather)
    preprocessor = preprocessing()
    matrix = preprocessor.fit_transform(columns)
    model = XGBRegressor(
        n_estimators=rounds,
        max_depth=depth,
        learning_rate=0.15,
        colsample_bytree=0.5,
        min_child_weight=20,
        max_bin=64,  # a quarter of the default: as good on this data, several times faster
        n_jobs=1,  # trees this small are no faster on more cores, and far slower where the cores are busy
        random_state=7,
    ).fit(matrix, known)
    errors = {"model": _error(model.predict(preprocessor.transform(held_columns)), held_known)}
    errors |= {name: _error(guess, held_known) for name, guess in naive(held_columns).items()}
    _must_win(errors)
    parameters = {"rounds": rounds, "depth": depth, "rows": len(columns), "held_out_rows": len(held_columns)}
    return Trained(preprocessor, model, columns.head(3), matrix.head(3), parameters, errors)


def naive(columns: pd.DataFrame) -> dict[str, np.ndarray]:
    """What a forecast costs nothing to make: the last value, and the same hour of yesterday."""
    last = columns[[f"{rows.TARGET}_lag_00"]].to_numpy()
    yesterday = columns[[f"{rows.TARGET}_lag_{lag:02d}" for lag in reversed(range(rows.LAGS))]].to_numpy()
    return {"last value": np.repeat(last, rows.HORIZON, axis=1), "same hour yesterday": yesterday}


def _error(guess: np.ndarray, known: pd.DataFrame) -> Error:
    """Compare where the guess exists: a naive forecast has none where the hour that it copies was not measured."""
    off = guess - known.to_numpy()
    return Error(mae=float(np.nanmean(np.abs(off))), rmse=float(np.sqrt(np.nanmean(off**2))))


def _must_win(errors: Mapping[str, Error]) -> None:
    """Refuse a model that loses to a naive forecast by either measure."""
    ours = errors["model"]
    for name, theirs in errors.items():
        if name != "model" and (ours.mae >= theirs.mae or ours.rmse >= theirs.rmse):
            raise NotBetter(f"the model ({ours.mae:.2f} °F) does not beat the forecast by {name} ({theirs.mae:.2f} °F)")
