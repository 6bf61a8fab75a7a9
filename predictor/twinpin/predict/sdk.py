"""XGBoost, imported without what it takes from scikit-learn for cross-validation.

That is one class, and brings all of scikit-learn's model selection and SciPy's statistics along: 0.5 s and 42 MB. Code
that cross-validates finds the class, and whoever looks at the statistics has them.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from twinpin.deferred import deferred

_FOLDS = "sklearn.model_selection"


def _folds(*args: Any, **kwargs: Any) -> Any:
    """Make the real thing."""
    from sklearn.model_selection import StratifiedKFold  # noqa: PLC0415 -- see above

    return StratifiedKFold(*args, **kwargs)


@contextmanager
def _without_folds() -> Iterator[None]:
    """Let `_folds` stand for the class while XGBoost takes it."""
    if _FOLDS in sys.modules:
        yield
        return
    stand_in = ModuleType(_FOLDS)
    vars(stand_in)["StratifiedKFold"] = _folds
    sys.modules[_FOLDS] = stand_in
    try:
        yield
    finally:
        if sys.modules.get(_FOLDS) is stand_in:
            del sys.modules[_FOLDS]


with _without_folds(), deferred("scipy.stats"):
    import xgboost

__all__ = ["xgboost"]
