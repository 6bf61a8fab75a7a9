"""XGBoost comes without scikit-learn's model selection, and is whole all the same."""

import subprocess
import sys

import pytest

SETUP = "import numpy as np; from twinpin.predict.sdk import xgboost; import sys"


def run(code):
    """Run it in a Python of its own, and return what it prints."""
    done = subprocess.run([sys.executable, "-P", "-c", f"{SETUP}\n{code}"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.timeout(60)
def test_model_selection_is_not_imported():
    """Neither it nor the statistics that it needs."""
    code = (
        "print('sklearn.model_selection._split' in sys.modules, "
        "hasattr(type(sys.modules['scipy.stats']), '__getattr__'))"
    )

    assert run(code) == "False True"


@pytest.mark.timeout(60)
def test_whoever_needs_it_has_it():
    """Cross-validation, the scikit-learn API, and the real module for everybody else."""
    code = """
x, y = np.random.rand(20, 2), np.r_[np.zeros(10), np.ones(10)]
rows = xgboost.cv({"objective": "binary:logistic"}, xgboost.DMatrix(x, label=y), 2, nfold=2, stratified=True)
model = xgboost.XGBClassifier(n_estimators=2).fit(x, y)
from sklearn.model_selection import StratifiedKFold, cross_val_score
from scipy import stats
print(len(rows), len(model.predict(x)), StratifiedKFold.__name__, stats.norm.cdf(0))
"""

    assert run(code) == "2 20 StratifiedKFold 0.5"
