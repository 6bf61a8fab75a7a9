"""Containers of our images, run as a cluster runs them: any numeric user, nothing writable but /tmp."""

import contextlib
import functools
import json
import shutil
import subprocess
import time
from dataclasses import dataclass

import httpx
from dockerfiles import ROOT

#: Seconds that a step may take to load on a busy machine.
START = 120

#: As OpenShift does it: a user that no image knows, in the group root.
STRANGER = "1000660000:0"


@functools.cache
def why_no_docker():
    """Say why Docker cannot be used, or nothing."""
    if shutil.which("docker") is None:
        return "docker is not installed"
    asked = subprocess.run(["docker", "info"], capture_output=True, check=False)
    return None if asked.returncode == 0 else "docker's daemon does not answer"


def name_of(target):
    """The name that hack/images gives."""
    script = [str(ROOT / "hack" / "images"), "--names", target]
    return subprocess.run(script, check=True, capture_output=True, text=True).stdout.strip()


def inspect(image):
    """What Docker knows of an image, or None where there is none of that name."""
    asked = subprocess.run(["docker", "image", "inspect", image], capture_output=True, text=True, check=False)
    return json.loads(asked.stdout)[0] if asked.returncode == 0 else None


def command(image, *arguments, user=None, options=()):
    """Put together what runs an image in a read-only root."""
    chosen = ["--user", user] if user else []
    sealed = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    return ["docker", "run", *sealed, *chosen, *options, image, *arguments]


def run(image, *arguments, user=None, options=()):
    """Run it to its end."""
    words = command(image, *arguments, user=user, options=["--rm", *options])
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=START)


@dataclass
class Container:
    """One that serves."""

    id: str
    url: str

    def stop(self):
        """Ask it to end, as Kubernetes does, and return its exit status."""
        subprocess.run(["docker", "stop", "--time", "30", self.id], check=True, capture_output=True)
        shown = subprocess.run(
            ["docker", "inspect", "--format", "{{.State.ExitCode}}", self.id],
            check=True,
            capture_output=True,
            text=True,
        )
        return int(shown.stdout)

    def logs(self):
        """Everything that it wrote."""
        shown = subprocess.run(["docker", "logs", self.id], check=True, capture_output=True, text=True)
        return shown.stdout + shown.stderr

    def running(self):
        """Tell whether it still runs."""
        words = ["docker", "inspect", "--format", "{{.State.Running}}", self.id]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip() == "true"

    def answers(self, path):
        """Tell whether a GET of the path is answered with 200."""
        try:
            return httpx.get(self.url + path, timeout=5).status_code == 200
        except httpx.TransportError:
            return False


@contextlib.contextmanager
def serving(image, ready, *arguments, options=(), port=8080):
    """Start an image as a stranger, wait until the path *ready* is answered with 200, and remove it afterwards."""
    words = command(image, *arguments, user=STRANGER, options=["-d", "-p", f"127.0.0.1::{port}", *options])
    started = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
    try:
        shown = subprocess.run(["docker", "port", started, str(port)], check=True, capture_output=True, text=True)
        container = Container(started, f"http://{shown.stdout.strip()}")
        deadline = time.monotonic() + START
        while not container.answers(ready):
            assert container.running(), f"{image} ended:\n{container.logs()}"
            assert time.monotonic() < deadline, f"{image} is not ready:\n{container.logs()}"
            time.sleep(0.2)
        yield container
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", started], check=True, capture_output=True)
