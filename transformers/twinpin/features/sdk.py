"""Feast, imported without what its import does to the metrics of the process.

Importing Feast 0.67 sets two variables that make prometheus_client keep every metric in files of a temporary folder, to
share them between processes that we do not have. It reads them when it is first imported, and again at some calls.
"""

import os

import prometheus_client  # noqa: F401 -- before Feast: from here on its metrics stay in memory

_VARIABLES = ("PROMETHEUS_MULTIPROC_DIR", "PROMETHEUS_MULTIPROCESS_DIR")
_before = {name: os.environ.get(name) for name in _VARIABLES}

from feast import FeatureStore  # noqa: E402 -- see above
from feast.errors import FeastError  # noqa: E402

for _name, _value in _before.items():
    if _value is None:
        os.environ.pop(_name, None)

__all__ = ["FeastError", "FeatureStore"]
