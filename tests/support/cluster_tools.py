"""kubectl and helm as processes: those on PATH, else those of hack/tools."""

import functools
import json
import shutil
import subprocess
from pathlib import Path

_TOOLS = Path(__file__).parents[2] / "hack" / "tools"
#: Seconds for one command; helm is told shorter limits of its own.
_PATIENCE = 300


class ToolFailed(Exception):
    """kubectl or helm ended with an error; says the command and what it printed."""


@functools.cache
def tool(name):
    """Find a program."""
    found = shutil.which(name)
    if found is None:
        folder = subprocess.run([str(_TOOLS)], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        found = shutil.which(name, path=folder)
    assert found, f"no {name}: put it on PATH, or let hack/tools install it"
    return found


def attempt(name, *words, stdin=None):
    """Run a program to its end, whatever that is."""
    command = [tool(name), *map(str, words)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=_PATIENCE, check=False)


def run(name, *words, stdin=None):
    """Run a program that must succeed; returns what it printed."""
    done = attempt(name, *words, stdin=stdin)
    if done.returncode:
        told = " ".join([name, *map(str, words)])
        raise ToolFailed(f"{told}\nexit status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def documents(*objects):
    """Write Kubernetes objects as one List, which kubectl reads as JSON."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
