"""Plan: a fitted scikit-learn preprocessor as a few numpy operations, for values that are all numeric.

A plan is only a claim until `twinpin.preprocess.proof` has compared it with the preprocessor itself.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from twinpin.preprocess.encoder import Encode, Unsupported

Operation: TypeAlias = Callable[[np.ndarray], np.ndarray]


class Plan:
    """Takes `[n, inputs]` FP64 and gives `[n, outputs]` FP64; Impossible for a value that an encoder refuses."""

    def __init__(self, operation: Operation, encoders: Sequence[Encode]) -> None:
        self._operation = operation
        #: The encoders inside, whose categories a proof must draw from.
        self.encoders = tuple(encoders)

    def __call__(self, matrix: np.ndarray) -> np.ndarray:
        """Run it."""
        return self._operation(matrix)


def make_plan(estimator: Any, names: Sequence[str]) -> Plan:
    """Make the plan of a fitted *estimator* for columns of these *names*; Unsupported where there is none."""
    encoders: list[Encode] = []
    return Plan(_operation(estimator, list(names), encoders), encoders)


def find_estimator(raw: Any) -> Any:
    """The estimator itself, or the one that a PythonModel holds; Unsupported where there is not exactly one."""
    if hasattr(raw, "transform"):
        return raw
    held = [value for value in vars(raw).values() if hasattr(value, "transform") and hasattr(value, "fit")]
    if len(held) != 1:
        raise Unsupported(f"a model of its own class that holds {len(held)} transformers")
    return held[0]


def _operation(estimator: Any, names: list[str], encoders: list[Encode]) -> Operation:
    """Choose by the class's name, so that nothing of scikit-learn is imported that the pickle did not import."""
    kind = estimator if isinstance(estimator, str) else type(estimator).__name__
    maker = _MAKERS.get(kind)
    if maker is None:
        raise Unsupported(f"{kind} is not among {', '.join(sorted(_MAKERS))}")
    return maker(estimator, names, encoders)


def _pipeline(pipeline: Any, names: list[str], encoders: list[Encode]) -> Operation:
    """One after another; only the first step meets columns by name."""
    operations = [_operation(step, names, encoders) for _, step in pipeline.steps]

    def run(matrix: np.ndarray) -> np.ndarray:
        for operation in operations:
            matrix = operation(matrix)
        return matrix

    return run


def _column_transformer(transformer: Any, names: list[str], encoders: list[Encode]) -> Operation:
    """Each part on its columns, side by side."""
    parts = []
    for _, part, columns in transformer.transformers_:
        places = _places(columns, names)
        if not len(places) or (isinstance(part, str) and part == "drop"):
            continue
        parts.append((places, _operation(part, [names[place] for place in places], encoders)))

    def run(matrix: np.ndarray) -> np.ndarray:
        return np.concatenate([operation(matrix[:, places]) for places, operation in parts], axis=1)

    if not parts:
        raise Unsupported("a ColumnTransformer that drops everything")
    if transformer.transformer_weights:
        raise Unsupported("a ColumnTransformer with weights")
    return run


def _places(columns: Any, names: list[str]) -> np.ndarray:
    """Positions of the columns that a part of a ColumnTransformer takes: names, numbers, a slice or a mask."""
    if isinstance(columns, str | int):
        raise Unsupported("a ColumnTransformer part that takes a bare column")
    if isinstance(columns, slice):
        if isinstance(columns.start, str) or isinstance(columns.stop, str):
            raise Unsupported("a ColumnTransformer part that takes a slice of names")
        return np.arange(len(names))[columns]
    chosen = np.asarray(columns)
    if chosen.dtype.kind == "b":
        return np.flatnonzero(chosen)
    if chosen.dtype.kind in "iu":
        return np.arange(len(names))[chosen]
    lacking = [each for each in columns if each not in names]
    if lacking:
        raise Unsupported(f"it takes the column {lacking[0]}, which the signature lacks")
    return np.array([names.index(each) for each in columns], dtype=np.intp)


def _impute(imputer: Any, _names: list[str], _encoders: list[Encode]) -> Operation:
    """Put a column's statistic where its value is missing, and the indicator's columns beside."""
    if any(isinstance(each, str) for each in imputer.statistics_):
        raise Unsupported("an imputer of text")
    fill = np.asarray(imputer.statistics_).astype(float)  # a constant's are of dtype object
    marker = imputer.missing_values
    if not isinstance(marker, float | int):
        raise Unsupported("an imputer whose missing value is no number")
    kept = None if imputer.keep_empty_features or not np.isnan(fill).any() else ~np.isnan(fill)
    marked = imputer.indicator_.features_ if imputer.add_indicator else None

    def run(matrix: np.ndarray) -> np.ndarray:
        missing = np.isnan(matrix) if marker != marker else matrix == marker  # noqa: PLR0124 -- true for NaN alone
        filled = np.where(missing, fill, matrix)
        if kept is not None:
            filled = filled[:, kept]
        return filled if marked is None else np.concatenate([filled, missing[:, marked]], axis=1)

    return run


def _scale(scaler: Any, _names: list[str], _encoders: list[Encode]) -> Operation:
    """StandardScaler: subtract the mean, divide by the deviation."""
    mean, scale = (scaler.mean_ if scaler.with_mean else None), scaler.scale_
    return lambda matrix: _over(_less(matrix, mean), scale)


def _scale_robustly(scaler: Any, _names: list[str], _encoders: list[Encode]) -> Operation:
    """RobustScaler: subtract the median, divide by the range."""
    center, scale = scaler.center_, scaler.scale_
    return lambda matrix: _over(_less(matrix, center), scale)


def _scale_to_range(scaler: Any, _names: list[str], _encoders: list[Encode]) -> Operation:
    """MinMaxScaler: multiply, then add."""
    scale, least = scaler.scale_, scaler.min_
    if not scaler.clip:
        return lambda matrix: matrix * scale + least
    low, high = scaler.feature_range
    return lambda matrix: np.clip(matrix * scale + least, low, high)


def _scale_by_maximum(scaler: Any, _names: list[str], _encoders: list[Encode]) -> Operation:
    """MaxAbsScaler: divide by the largest magnitude."""
    if getattr(scaler, "clip", False):
        raise Unsupported("a MaxAbsScaler that clips")
    scale = scaler.scale_
    return lambda matrix: matrix / scale


def _encode(encoder: Any, _names: list[str], encoders: list[Encode]) -> Operation:
    """OneHotEncoder of numbers."""
    encoders.append(Encode(encoder))
    return encoders[-1]


def _pass(_part: Any, _names: list[str], _encoders: list[Encode]) -> Operation:
    """Leave the columns as they are."""
    return lambda matrix: matrix


def _apply(part: Any, _names: list[str], _encoders: list[Encode]) -> Operation:
    """FunctionTransformer: none, or a numpy function of single values."""
    if part.func is None:
        return lambda matrix: matrix
    if not isinstance(part.func, np.ufunc) or part.kw_args:
        raise Unsupported("a FunctionTransformer of a function that is not numpy's")
    function = part.func
    return lambda matrix: np.asarray(function(matrix))


def _less(matrix: np.ndarray, center: np.ndarray | None) -> np.ndarray:
    """Subtract, where there is something to subtract."""
    return matrix if center is None else matrix - center


def _over(matrix: np.ndarray, scale: np.ndarray | None) -> np.ndarray:
    """Divide, where there is something to divide by."""
    return matrix if scale is None else matrix / scale


_MAKERS: dict[str, Callable[[Any, list[str], list[Encode]], Operation]] = {
    "ColumnTransformer": _column_transformer,
    "FunctionTransformer": _apply,
    "MaxAbsScaler": _scale_by_maximum,
    "MinMaxScaler": _scale_to_range,
    "OneHotEncoder": _encode,
    "Pipeline": _pipeline,
    "RobustScaler": _scale_robustly,
    "SimpleImputer": _impute,
    "StandardScaler": _scale,
    "passthrough": _pass,
}
