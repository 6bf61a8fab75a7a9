"""What the manifests are judged with: kustomize as kubectl has it, helm, and this repository's folders."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from kustomized import ROOT, Kustomize


def _program(name):
    """Find a program on PATH, else let hack/tools build it where Go is."""
    if found := shutil.which(name):
        return found
    if shutil.which("go") is None:
        pytest.skip(f"no {name} on PATH, and no Go for hack/tools to build it with")
    done = subprocess.run([ROOT / "hack" / "tools", name], stdout=subprocess.PIPE, text=True, check=True)
    return shutil.which(name, path=done.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def kubectl():
    """The path of kubectl."""
    return _program("kubectl")


@pytest.fixture(scope="session")
def helm():
    """The path of helm, whose folder goes on PATH for what calls it by name."""
    found = _program("helm")
    os.environ["PATH"] = f"{Path(found).parent}{os.pathsep}{os.environ['PATH']}"
    return found


@pytest.fixture(scope="session")
def kind():
    """The path of kind."""
    return _program("kind")


@pytest.fixture(scope="session")
def kustomize(kubectl, tmp_path_factory):
    """What `kubectl apply -k` would apply."""
    return Kustomize(kubectl, tmp_path_factory.mktemp("overlay"))
