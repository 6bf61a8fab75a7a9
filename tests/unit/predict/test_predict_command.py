"""`twinpin step predict` as a container runs it, where it ends before it serves."""

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
