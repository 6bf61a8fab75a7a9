"""A small pair of the demo's shape, and the warnings of the libraries that it meets."""

import pytest
from xgboost import XGBRegressor

from demo_forecast import rows, training, weather

#: Of MLflow, Feast and their dependencies, about their own next versions; none is ours to mend.
IGNORED = (
    "ignore::DeprecationWarning",
    "ignore::FutureWarning",
    "ignore::PendingDeprecationWarning",
    "ignore::ResourceWarning",  # MLflow leaves its SQLite connections to the garbage collector
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore:Clearing labels:UserWarning",
)


def pytest_collection_modifyitems(items):
    """Let the libraries of the demo warn; the product's own tests stay strict."""
    for item in items:
        if "integration/demo" in item.path.as_posix():
            for line in IGNORED:
                item.add_marker(pytest.mark.filterwarnings(line))


@pytest.fixture(scope="session")
def measured():
    """The real weather."""
    return weather.read()


@pytest.fixture(scope="session")
def trained(measured):
    """A pair that learned from 500 hours with two rounds: right in shape, not worth serving."""
    columns, known = rows.examples(measured[1].iloc[:600])
    preprocessor = training.preprocessing().fit(columns)
    matrix = preprocessor.transform(columns)
    model = XGBRegressor(n_estimators=2, max_depth=2, n_jobs=1).fit(matrix, known)
    errors = {"model": training.Error(1.0, 2.0), "last value": training.Error(3.0, 4.0)}
    return training.Trained(preprocessor, model, columns.head(3), matrix.head(3), {"rounds": 2}, errors)
