"""The input example of an MLflow model as tensors, to warm up with and to prove by."""

from typing import Any

import numpy as np

from twinpin.step.step import Tensors


def example_tensors(example: Any) -> Tensors | None:
    """Make tensors of a DataFrame, an array, or arrays by name; None where the example is something else."""
    if example is None:
        return None
    if hasattr(example, "columns"):
        return {str(name): _tensor(example[name].to_numpy()) for name in example.columns}
    if isinstance(example, dict) and all(isinstance(each, np.ndarray) for each in example.values()):
        return {str(name): _tensor(values) for name, values in example.items()}
    return {"input": example} if isinstance(example, np.ndarray) and example.ndim > 0 else None


def _tensor(values: np.ndarray) -> np.ndarray:
    """Times become text, arrays in cells one array; the rest stays."""
    if values.dtype.kind == "M":
        return np.datetime_as_string(values).astype(object)
    if values.dtype.kind == "O" and len(values) and isinstance(values[0], list | np.ndarray):
        return np.stack([np.asarray(each) for each in values])
    return values
