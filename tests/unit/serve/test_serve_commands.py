"""The commands: what they import, what they take, what they find out by themselves."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pair_folders
import pytest
from click.testing import CliRunner

from twinpin.cli import GRPC_EXPERIMENTS, main
from twinpin.step.errors import CannotStart
from twinpin.step.step import TensorSpec

#: Libraries of which each image carries its own alone.
HEAVY = ("feast", "kserve", "mlflow", "pandas", "sklearn", "xgboost")


def imported(*words):
    """Run a command's --help in a process of its own; returns which heavy libraries it imported."""
    code = (
        "import sys; from twinpin.cli import main; main(sys.argv[1:], standalone_mode=False);"
        f"print('LOADED', [each for each in {HEAVY} if each in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *words, "--help"], capture_output=True, text=True, check=True
    )
    return done.stdout, done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "loaded"),
    [
        (("gateway",), []),
        (("step",), []),
        (("step", "features"), []),
    ],
)
def test_a_command_imports_what_its_own_image_has(words, loaded):
    """The gateway's image has no step's library, and the overview of steps needs none."""
    text, last = imported(*words)

    assert "Usage" in text
    assert last == f"LOADED {loaded}"


@pytest.mark.parametrize(
    ("step", "allowed"), [("preprocess", {"mlflow", "pandas", "sklearn"}), ("predict", {"xgboost"})]
)
def test_a_step_imports_its_own_libraries_alone(step, allowed):
    """An image is the wheel with one extra."""
    _, last = imported("step", step)
    others = set(HEAVY) - allowed - {"pandas", "sklearn"}  # xgboost imports both where they are

    assert not [each for each in others if f"'{each}'" in last]


@pytest.mark.parametrize("step", ["features", "preprocess", "predict"])
def test_a_step_takes_its_own_settings_and_the_servers(step):
    """And the pair's folder where it has a pair."""
    text = CliRunner().invoke(main, ["step", step, "--help"]).output

    assert "--http-port" in text
    assert ("--pair-dir" in text) == (step != "features")
    assert "--registry-uri" not in text


def test_serve_takes_every_setting_once():
    """The flag --model-name names the registered model there."""
    text = CliRunner().invoke(main, ["serve", "--help"]).output

    assert text.count("--model-name ") == 1
    assert "Registered model that holds the model." in " ".join(text.split())
    for flag in (
        "--graph",
        "--feature-repo",
        "--device",
        "--allow-missing",
        "--pair-dir",
        "--drain-wait",
        "--page-series",
    ):
        assert flag in text


def test_a_step_that_does_not_exist_is_refused():
    """With the usage, and exit code 2."""
    result = CliRunner().invoke(main, ["step", "dance"])

    assert result.exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("--http-port", "99999"),
        ("--grpc-port", "-2"),
        ("--max-in-flight", "0"),
        ("--request-timeout", "0"),
        ("--threads", "0"),
        ("--log-level", "LOUD"),
    ],
)
@pytest.mark.parametrize("command", [("gateway",), ("serve",), ("step", "predict")])
def test_a_setting_that_makes_no_sense_is_refused_before_anything_starts(command, words):
    """In a sentence that names the flag, with exit code 2 and no traceback."""
    result = CliRunner().invoke(main, [*command, *words])

    assert result.exit_code == 2
    assert f"Invalid value for '{words[0]}'" in result.output


def test_mode_graph_needs_an_address():
    """The sentence names the flag."""
    result = CliRunner().invoke(main, ["gateway", "--http-port", "0"])

    assert result.exit_code == 1
    assert "--graph-url" in result.output


def specs(*names, shape=(-1,)):
    """Inputs of a preprocessor."""
    return tuple(TensorSpec(name, "FP64", shape) for name in names)


@pytest.mark.parametrize(
    ("inputs", "window"),
    [
        (specs("temp_lag_00", "temp_lag_23", "wind_lag_5", "hour"), 24),
        (specs("temp", "wind", shape=(-1, 12)), 12),
        (specs("temp", "hour"), None),
        ((), None),
    ],
)
def test_the_window_is_what_the_preprocessor_looks_back_on(inputs, window):
    """Its largest lag and one more, for lag 0 is the newest value."""
    from twinpin.serve import needed_window  # noqa: PLC0415 -- imports every step

    assert needed_window(inputs) == window


@pytest.mark.parametrize(
    ("inputs", "outputs", "words"),
    [
        (
            specs("shop"),
            specs("temp", shape=(-1, -1)),
            r"gives temp, .* not in the request: hour\. Set feature_service",
        ),
        (specs("shop", "discount"), specs("temp", "wind", shape=(-1, -1)), "from discount of the request"),
    ],
    ids=["columns are lacking", "features computed from the request"],
)
def test_a_feature_service_that_can_never_serve_the_pair_is_refused_at_start(tmp_path, inputs, outputs, words):
    """No client could mend what a setting got wrong."""
    from twinpin import preprocess  # noqa: PLC0415 -- as below
    from twinpin.serve import require_fit  # noqa: PLC0415 -- imports every step

    first = preprocess.load(pair_folders.lag_pair(tmp_path), preprocess.Settings())

    with pytest.raises(CannotStart, match=words):
        require_fit(SimpleNamespace(inputs=inputs, outputs=outputs), first)


def test_a_feature_service_that_serves_the_pair_is_taken(tmp_path):
    """Windows of any length, and a scalar."""
    from twinpin import preprocess  # noqa: PLC0415 -- as below
    from twinpin.serve import require_fit  # noqa: PLC0415 -- imports every step

    first = preprocess.load(pair_folders.lag_pair(tmp_path), preprocess.Settings())
    outputs = (*specs("temp", "wind", shape=(-1, -1)), *specs("hour"))

    assert require_fit(SimpleNamespace(inputs=specs("shop"), outputs=outputs), first) is None


@pytest.mark.parametrize(("experiments", "unknown"), [(GRPC_EXPERIMENTS, False), ("-no_such_experiment", True)])
def test_this_grpc_knows_the_experiments_that_are_turned_off(experiments, unknown):
    """One that it does not know any more does nothing, and is a line in each log."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", "import grpc; grpc.insecure_channel('127.0.0.1:1').close()"],
        env={**os.environ, "GRPC_EXPERIMENTS": experiments},
        capture_output=True,
        text=True,
        check=True,
    )

    assert ("Unknown experiment" in done.stderr) is unknown
