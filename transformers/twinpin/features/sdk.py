"""Feast, imported without what its import does to the process.

Importing Feast 0.67 sets two variables that make prometheus_client keep every metric in files of a temporary folder, to
share them between processes that we do not have. It reads them when it is first imported, and again at some calls.
MLflow may have imported Feast before us: it loads Feast's plugin with its first request to a server.

Feast has its classes checked by typeguard, which parses and compiles each anew and so takes two thirds of the import.
`python -O` would do without, and without every assert. Its own servers are deferred (0.2 s and 9 MB), and its registry
in a database, which brings SQLAlchemy along (12 MB).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import prometheus_client  # noqa: F401 -- before Feast: from here on its metrics stay in memory
import typeguard

from twinpin.deferred import deferred, later


def _unchecked(target: Any = None, **_: Any) -> Any:
    """Decorate a class or a function with nothing, as typeguard does under `python -O`."""
    return _unchecked if target is None else target


@contextmanager
def _without_typeguard() -> Iterator[None]:
    """Leave what is imported meanwhile unchecked."""
    checked, typeguard.typechecked = typeguard.typechecked, _unchecked
    try:
        yield
    finally:
        typeguard.typechecked = checked


with (
    _without_typeguard(),
    deferred("feast.feature_server", "feast.ui_server"),
    later("feast.infra.registry.sql", "SqlRegistry"),
):
    from feast import FeatureStore, metrics
    from feast.errors import FeastError
    from feast.repo_config import FeastConfigError, RepoConfig

if metrics._owns_mp_dir:  # noqa: SLF001 -- its folder, and not one that somebody chose
    for _name in ("PROMETHEUS_MULTIPROC_DIR", "PROMETHEUS_MULTIPROCESS_DIR"):
        if os.environ.get(_name) == metrics._prometheus_mp_dir:  # noqa: SLF001
            del os.environ[_name]

__all__ = ["FeastConfigError", "FeastError", "FeatureStore", "RepoConfig"]
