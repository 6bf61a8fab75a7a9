"""Run a client of others against a server, in a process of its own, and return what it saw."""

import json
import subprocess
import sys

import client_probe

WHICH = tuple(client_probe.PROBES)


def probe(which, rest, target, *, model, name, values):
    """Drive one client; *values*: a matrix that goes in as FP32 under *name*."""
    command = [sys.executable, client_probe.__file__, which, rest, target, model, name, json.dumps(values)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)

    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])
