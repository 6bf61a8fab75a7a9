"""MLflow, imported without what neither its registry nor its models need.

`import mlflow` takes its judges of language models and a gateway to them along, which bring FastAPI: a quarter of its
time and 11 MB. With its first request to a server MLflow loads its plugins, of which Feast has one, which would import
all of Feast where it is installed (4 s) and needs none of it. Code that uses any of this finds it.

A process that only asks a registry has no use for tables either: MLflow does without the libraries for them where they
are not installed, as its small client does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from threading import Event

from twinpin.deferred import absent, bare, deferred

#: Packages around Feast's plugin, which sends a token of a request to Feast's own server along.
PLUGIN = ("feast", "feast.infra.data_sources.mlflow")
#: Packages whose parts its database store uses, around the judges and the gateway.
JUDGES = (
    "mlflow.genai",
    "mlflow.genai.judges",
    "mlflow.genai.scorers",
    "mlflow.genai.scorers.online",
    "mlflow.gateway",
)
#: Libraries for tables and models.
TABLES = ("pandas", "pyarrow", "scipy")
#: Whether `client` is in force, for all threads.
_CLIENT = Event()


@contextmanager
def light() -> Iterator[None]:
    """Import MLflow meanwhile."""
    if _CLIENT.is_set():
        yield
        return
    with bare("mlflow.genai", *PLUGIN), deferred("mlflow.gateway"):
        yield


@contextmanager
def client() -> Iterator[None]:
    """Import MLflow and work with its client meanwhile, in a process that loads no model."""
    with bare(*JUDGES, *PLUGIN), absent(*(() if _extended() else TABLES)):
        _CLIENT.set()
        try:
            yield
        finally:
            _CLIENT.clear()


def _extended() -> bool:
    """Whether somebody else extends MLflow here, perhaps with code that reads tables."""
    found = entry_points()
    groups = (found.select(group=name) for name in found.groups if name.startswith("mlflow."))
    return any(not each.value.startswith(("mlflow.", "feast.")) for group in groups for each in group)
