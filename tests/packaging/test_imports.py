"""No folder of ours shadows an installed package, wherever Python is started."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE_ROOTS = ("src", "transformers", "predictor")

#: Distributions whose import name one of our folders could take.
GUARDED = ("feast", "kserve", "mlflow", "xgboost")


@pytest.mark.parametrize("name", ["transformers", "predictor", "tests", "hack"])
def test_a_folder_of_ours_is_not_importable(name):
    """Started in the checkout, `import transformers` finds Hugging Face's package or nothing."""
    code = (
        f"import importlib.util as u; s = u.find_spec({name!r}); print(s and [*(s.submodule_search_locations or [])])"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "None" or "site-packages" in done.stdout


@pytest.mark.parametrize("name", GUARDED)
def test_an_installed_package_is_the_installed_one(name):
    """A folder of that name below tests/ would replace it."""
    spec = importlib.util.find_spec(name)

    assert spec is not None
    assert "site-packages" in str(spec.origin)


def test_no_folder_is_a_package_that_must_not_be_one():
    """Roots, the namespace itself, and everything below tests/."""
    roots = [ROOT / name for name in (*SOURCE_ROOTS, "hack", "bench", "helm", "manifests")]
    forbidden = [folder / "__init__.py" for root in roots for folder in (root, root / "twinpin")]
    found = [path for path in forbidden if path.exists()] + list((ROOT / "tests").rglob("__init__.py"))

    assert found == []


def test_no_test_folder_holds_a_module_named_like_a_dependency():
    """The support folder is on the path."""
    ours = {path.stem for path in (ROOT / "tests" / "support").glob("*.py")}
    installed = {path.stem for place in sys.path if "site-packages" in place for path in Path(place).iterdir()}

    assert ours
    assert ours & (installed | sys.stdlib_module_names) == set()


@pytest.mark.parametrize("folder", [".", "transformers", "predictor", "src"])
def test_the_product_imports_from_every_folder_of_the_checkout(folder):
    """With PYTHONSAFEPATH, as in the images and the scripts."""
    code = "import twinpin.features, twinpin.predict, twinpin.step"
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=ROOT / folder, capture_output=True, check=False)

    assert done.returncode == 0, done.stderr
