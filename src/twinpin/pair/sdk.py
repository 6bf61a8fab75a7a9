"""MLflow, imported without what neither its registry nor its models need.

`import mlflow` takes its judges of language models and a gateway to them along, which bring FastAPI: a quarter of its
time and 11 MB. Code that uses them finds them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from twinpin.deferred import bare, deferred


@contextmanager
def light() -> Iterator[None]:
    """Import MLflow meanwhile."""
    with bare("mlflow.genai"), deferred("mlflow.gateway"):
        yield
