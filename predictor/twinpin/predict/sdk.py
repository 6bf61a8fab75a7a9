"""XGBoost, imported without what it takes from scikit-learn for cross-validation.

That is one class, and brings all of scikit-learn's model selection and SciPy's statistics along: 0.5 s and 42 MB. Code
that cross-validates finds the class, and whoever looks at the statistics has them.
"""

from twinpin.deferred import deferred, later

with later("sklearn.model_selection", "StratifiedKFold"), deferred("scipy.stats"):
    import xgboost

__all__ = ["xgboost"]
