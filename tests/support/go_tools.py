"""Programs of hack/tools: those on PATH, else built where Go is, else a reason to skip."""

import shutil
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / "hack" / "tools"


def tool(name):
    """The path of a program."""
    if found := shutil.which(name):
        return found
    if shutil.which("go") is None:
        pytest.skip(f"no {name} on PATH, and no Go for hack/tools to build it with")
    done = subprocess.run([TOOLS, name], stdout=subprocess.PIPE, text=True, check=True)
    return shutil.which(name, path=done.stdout.splitlines()[-1])
