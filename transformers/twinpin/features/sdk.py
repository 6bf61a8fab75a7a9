"""Feast, imported without what its import does to the metrics of the process.

Importing Feast 0.67 sets two variables that make prometheus_client keep every metric in files of a temporary folder, to
share them between processes that we do not have. It reads them when it is first imported, and again at some calls.
MLflow may have imported Feast before us: it loads Feast's plugin with its first request to a server.
"""

import os

import prometheus_client  # noqa: F401 -- before Feast: from here on its metrics stay in memory
from feast import FeatureStore, metrics
from feast.errors import FeastError

if metrics._owns_mp_dir:  # noqa: SLF001 -- its folder, and not one that somebody chose
    for _name in ("PROMETHEUS_MULTIPROC_DIR", "PROMETHEUS_MULTIPROCESS_DIR"):
        if os.environ.get(_name) == metrics._prometheus_mp_dir:  # noqa: SLF001
            del os.environ[_name]

__all__ = ["FeastError", "FeatureStore"]
