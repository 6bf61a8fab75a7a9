"""MLflow, imported without what neither its registry nor its models need.

`import mlflow` takes its judges of language models and a gateway to them along, which bring FastAPI: a quarter of its
time and 11 MB. With its first request to a server MLflow loads its plugins, of which Feast has one, which would import
all of Feast where it is installed (4 s) and needs none of it. Code that uses any of this finds it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from twinpin.deferred import bare, deferred

#: Packages around Feast's plugin, which sends a token of a request to Feast's own server along.
PLUGIN = ("feast", "feast.infra.data_sources.mlflow")


@contextmanager
def light() -> Iterator[None]:
    """Import MLflow meanwhile."""
    with bare("mlflow.genai", *PLUGIN), deferred("mlflow.gateway"):
        yield
