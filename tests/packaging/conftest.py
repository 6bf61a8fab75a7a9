"""The wheel, built once, and an environment that holds nothing but it and what the gateway needs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def uv():
    """The command `uv`."""
    found = shutil.which("uv")
    if found is None:
        pytest.skip("uv is not on PATH: run hack/test, which brings one")
    return found


@pytest.fixture(scope="session")
def wheel(uv, tmp_path_factory):
    """The wheel as a release builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([uv, "build", "--quiet", "--wheel", "--out-dir", folder, ROOT], check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(uv, wheel, tmp_path_factory):
    """Python of a fresh environment: the wheel, and the gateway's dependencies as locked."""
    folder = tmp_path_factory.mktemp("installed")
    locked = folder / "requirements.txt"
    export = [uv, "export", "--quiet", "--frozen", "--no-default-groups", "--extra", "gateway", "--no-emit-project"]
    subprocess.run([*export, "--no-hashes", "--output-file", locked], cwd=ROOT, check=True, capture_output=True)
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "-r", locked], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "--no-deps", wheel], check=True)
    return python


@pytest.fixture
def helm_on_path(monkeypatch):
    """Helm, built by hack/tools where it is not there and Go is."""
    if shutil.which("helm") is None:
        if shutil.which("go") is None:
            pytest.skip("no helm on PATH, and no Go for hack/tools to build it with")
        done = subprocess.run([ROOT / "hack" / "tools", "helm"], stdout=subprocess.PIPE, text=True, check=True)
        monkeypatch.setenv("PATH", f"{done.stdout.splitlines()[-1]}{os.pathsep}{os.environ['PATH']}")
