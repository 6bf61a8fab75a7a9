"""What the manifests are judged with: kustomize as kubectl has it, helm, and this repository's folders."""

import os
from pathlib import Path

import pytest
from go_tools import tool
from kustomized import Kustomize


@pytest.fixture(scope="session")
def kubectl():
    """The path of kubectl."""
    return tool("kubectl")


@pytest.fixture(scope="session")
def helm():
    """The path of helm, whose folder goes on PATH for what calls it by name."""
    found = tool("helm")
    os.environ["PATH"] = f"{Path(found).parent}{os.pathsep}{os.environ['PATH']}"
    return found


@pytest.fixture(scope="session")
def kind():
    """The path of kind."""
    return tool("kind")


@pytest.fixture(scope="session")
def kustomize(kubectl, tmp_path_factory):
    """What `kubectl apply -k` would apply."""
    return Kustomize(kubectl, tmp_path_factory.mktemp("overlay"))
