"""Loads the third parties whose own warnings would fail the first test that imports them."""

import pair_folders  # noqa: F401 -- imports MLflow with its warnings off
