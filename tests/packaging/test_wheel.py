"""The wheel holds the namespace twinpin and what it needs beside its code, and nothing else."""

import subprocess
import zipfile
from pathlib import Path

import mlflow.sklearn
import pytest

PACKAGES = ("pair", "step", "graph", "gateway", "features", "preprocess", "predict")

#: What no module of the gateway's image may need.
HEAVY = ("feast", "kserve", "mlflow", "pandas", "sklearn", "xgboost")

#: What `mlflow.sklearn.log_model` writes by default, which is also the package that reads it.
DEFAULT_FORMAT = mlflow.sklearn.SERIALIZATION_FORMAT_SKOPS

pytestmark = pytest.mark.timeout(300)  # the first build and install download


@pytest.fixture(scope="module")
def names(wheel):
    """Names of the files in the wheel."""
    return zipfile.ZipFile(wheel).namelist()


def run(python, code):
    """Run Python as the images do: isolated from the folder and the environment it is started in."""
    return subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=False)


def test_the_top_level_is_the_namespace_alone(names):
    """Nothing of ours is called transformers, predictor or tests in site-packages."""
    tops = {name.split("/")[0] for name in names}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"twinpin"}


def test_the_namespace_itself_is_no_package(names):
    """An `__init__.py` in it would hide the other source roots' parts."""
    assert "twinpin/__init__.py" not in names


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_there_and_says_that_it_is_typed(names, package):
    """All three source roots went in."""
    assert {f"twinpin/{package}/__init__.py", f"twinpin/{package}/py.typed"} <= set(names)


def test_data_files_are_there(names):
    """The page and the graph document are read at run time."""
    assert {"twinpin/gateway/page.html", "twinpin/graph/forecast.yaml"} <= set(names)


def test_every_tracked_file_of_the_sources_is_in_the_wheel(names):
    """A file that the build leaves out is missed only where the product runs."""
    root = Path(__file__).parents[2]
    listed = subprocess.run(
        ["git", "ls-files", "src", "transformers", "predictor"], cwd=root, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    tracked = {f"twinpin/{line.partition('/twinpin/')[2]}" for line in listed.stdout.split() if "/twinpin/" in line}

    assert tracked
    assert tracked <= set(names)


def test_the_licence_is_in_the_wheel(names):
    """Apache-2.0 asks for it."""
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_preprocess_image_reads_mlflows_default_format(wheel, names):
    """MLflow logs scikit-learn with skops unless told otherwise, and its skinny package does not bring skops."""
    (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
    lines = zipfile.ZipFile(wheel).read(metadata).decode().splitlines()
    needed = {line.split()[1].split("<")[0] for line in lines if line.endswith("extra == 'preprocess'")}

    assert DEFAULT_FORMAT in needed


@pytest.mark.parametrize("module", ["step", "pair", "graph", "gateway"])
def test_a_module_of_the_gateways_image_needs_no_library_of_another(installed, module):
    """Each image is the wheel with one extra."""
    code = f"import sys, twinpin.{module}; sys.exit([name for name in {HEAVY!r} if name in sys.modules] or 0)"
    done = run(installed, code)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", HEAVY)
def test_the_gateways_image_holds_no_library_of_another(installed, module):
    """Tens to hundreds of megabytes each."""
    done = run(installed, f"import {module}")

    assert "ModuleNotFoundError" in done.stderr


def test_the_command_says_its_version(installed, names):
    """The console script starts, and the version is the wheel's."""
    done = subprocess.run(
        [installed.with_name("twinpin"), "--version"], capture_output=True, text=True, check=True, cwd="/"
    )
    (info,) = {name.split("/")[0] for name in names if ".dist-info/" in name}

    assert done.stdout.split()[-1] == info.removeprefix("twinpin-").removesuffix(".dist-info")


def test_the_overview_imports_no_command(installed):
    """An image lacks the libraries of the others, and its help works nevertheless."""
    done = subprocess.run([installed.with_name("twinpin"), "--help"], capture_output=True, text=True, check=True)

    assert "promote" in done.stdout
