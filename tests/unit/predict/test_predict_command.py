"""`twinpin step predict` as a container runs it, where it ends before it serves."""

import subprocess
import sys

import pytest
from click.testing import CliRunner
from pair_folders import model_folder, regressor, seal

from twinpin.steps import step


@pytest.fixture
def damaged(tmp_path):
    """A pair folder that was pinned with a model that nobody can read."""
    folder = model_folder(tmp_path / "pair", regressor([[0.0, 1.0], [1.0, 0.0]]))
    (folder / "model" / "model.ubj").write_bytes(b"not a model")
    seal(folder)
    return folder


def test_a_model_that_never_loads_ends_with_the_code_of_a_refusal(damaged):
    """Who starts the container again and again can tell that it is of no use."""
    done = CliRunner().invoke(step, ["predict", "--pair-dir", str(damaged)])

    assert done.exit_code == 3
    assert "cannot read the model's file" in done.output.splitlines()[-1]


def test_it_serves_with_its_own_libraries_alone(tmp_path):
    """XGBoost takes pandas and scikit-learn where they are, KServe's SDK pandas and a client of Kubernetes."""
    folder = model_folder(tmp_path, regressor([[0.0, 1.0], [1.0, 0.0]]))
    code = (
        "import sys, twinpin.step.server as server; from twinpin.cli import main\n"
        "names = ('feast', 'kubernetes', 'mlflow', 'pandas', 'sklearn')\n"
        "server.serve_step = lambda step, _: print(step.name, [name for name in names if name in sys.modules])\n"
        "main(['step', 'predict', '--pair-dir', sys.argv[1]])\n"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code, folder], capture_output=True, text=True, check=False)

    assert done.stdout == "predict []\n", done.stderr
