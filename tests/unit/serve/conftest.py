"""Loads the third parties whose own warnings would fail the first test that imports them."""

import pair_folders  # noqa: F401 -- imports MLflow with its warnings off


def pytest_configure(config):
    """XGBoost and MLflow warn of their own calls of one another."""
    config.addinivalue_line("filterwarnings", "ignore::FutureWarning:mlflow.*")
    config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning:mlflow.*")
