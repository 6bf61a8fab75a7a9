"""A process that only asks a registry: MLflow without tables and judges, and whole again where somebody extends it."""

import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from twinpin.pair import sdk

#: Opens a registry in a database, which is where MLflow imports most.
ASKING = """
import sys
from twinpin.pair.errors import UnknownName
from twinpin.pair.registry import MlflowRegistry
from twinpin.pair.sdk import client

with client():
    try:
        MlflowRegistry("sqlite:///" + sys.argv[1]).tags("nobody")
    except UnknownName:
        pass
    print(*sorted({"fastapi", "mlflow", "pandas", "pyarrow", "scipy"} & {n for n, m in sys.modules.items() if m}))
import mlflow.data.pandas_dataset
print(mlflow.data.pandas_dataset.PandasDataset.__name__)
"""


def test_a_registry_in_a_database_is_asked_without_tables_and_judges(tmp_path):
    """Tables are found by whoever looks for them afterwards."""
    command = [sys.executable, "-W", "ignore", "-c", ASKING, str(tmp_path / "mlflow.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.stdout.splitlines() == ["mlflow", "PandasDataset"], done.stderr


@pytest.mark.parametrize(
    ("value", "hidden"),
    [("mlflow.deployments.openai", True), ("feast.infra.mlflow:Provider", True), ("theirs.store:Store", False)],
)
def test_code_that_others_add_to_mlflow_may_read_tables(monkeypatch, value, hidden):
    """Theirs is imported with MLflow, and may need what MLflow can do without."""
    found = EntryPoints([EntryPoint("name", value, "mlflow.tracking_store"), EntryPoint("a", "b:c", "console_scripts")])
    monkeypatch.setattr(sdk, "entry_points", lambda: found)
    monkeypatch.setattr(sdk, "TABLES", ("nowhere_else",))

    with sdk.client():
        assert ("nowhere_else" in sys.modules) is hidden
    assert "nowhere_else" not in sys.modules
