"""oauth2-proxy as a process, with the arguments of manifests/auth and addresses of the loopback."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import httpx
import pytest
import yaml
from router import free_port

ROOT = Path(__file__).parents[2]
MANIFEST = ROOT / "manifests" / "auth" / "oauth2-proxy.yaml"
_START = 20.0  # seconds


@cache
def binary() -> str:
    """Build it, or skip the test where there is no Go to build it with."""
    if shutil.which("go") is None:
        pytest.skip("no Go for hack/oauth2-proxy to build it with")
    built = subprocess.run([ROOT / "hack" / "oauth2-proxy"], capture_output=True, text=True, check=False)
    if built.returncode != 0:
        pytest.fail(f"hack/oauth2-proxy failed: {built.stderr}")
    return built.stdout.splitlines()[-1]


def arguments(**places: str) -> list[str]:
    """Read the arguments of the manifest, with other values for some of its flags."""
    deployment, _ = yaml.safe_load_all(MANIFEST.read_text())
    given = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    flags = {f"--{name.replace('_', '-')}": value for name, value in places.items()}
    assert flags.keys() <= {word.partition("=")[0] for word in given}
    return [f"{name}={flags[name]}" if (name := word.partition("=")[0]) in flags else word for word in given]


@contextlib.contextmanager
def auth_proxy(upstream: str, issuer: str, log: Path) -> Iterator[str]:
    """Run it before *upstream*; gives its address."""
    address = f"127.0.0.1:{free_port()}"
    command = [binary(), *arguments(http_address=address, upstream=upstream, oidc_issuer_url=issuer)]
    secrets = {"OAUTH2_PROXY_CLIENT_SECRET": "unused by bearers", "OAUTH2_PROXY_COOKIE_SECRET": "0123456789abcdef" * 2}
    with log.open("w") as stream:
        process = subprocess.Popen(command, env=os.environ | secrets, stdout=stream, stderr=stream)
    try:
        _until_ready(f"http://{address}", process, log)
        yield f"http://{address}"
    finally:
        process.kill()
        process.wait()


def _until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Poll until it answers; fail where it ends or takes too long."""
    deadline = time.monotonic() + _START
    with httpx.Client() as client:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            with contextlib.suppress(httpx.TransportError):
                if client.get(f"{url}/ready").is_success:
                    return
            time.sleep(0.02)
    pytest.fail(f"oauth2-proxy is not ready:\n{log.read_text()}")
