"""A real API server of Kubernetes on the loopback, without a node: etcd and kube-apiserver as processes.

The programs are those of hack/cluster/build. Where they were never built, the tests may still use the cluster at
KUBECONFIG, if they are run with --cluster.
"""

import contextlib
import os
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from mlflow_server import free_port

#: Seconds that a start may take on a busy machine.
PATIENCE = 60


def program(name):
    """Find a program of Kubernetes on PATH, else the one that hack/cluster/build made last; None: there is none."""
    if found := shutil.which(name):
        return found
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "twinpin" / "cluster" / "bin"
    built = sorted(cache.glob(f"*/{name}"), key=lambda path: path.stat().st_mtime)
    return str(built[-1]) if built else None


class LocalApiServer:
    """An API server of one's own; what nobody but a controller does, such as collecting garbage, is not done."""

    def __init__(self, folder):
        self._folder = Path(folder)
        self._port, self._etcd, self._peer = (free_port() for _ in range(3))
        self._processes = []
        self.kubeconfig = self._folder / "kubeconfig"

    def start(self):
        """Start both, and return when they answer."""
        token = uuid.uuid4().hex
        (self._folder / "tokens").write_text(f"{token},admin,admin,system:masters\n")
        self._make_key()
        self._run(
            *("etcd", f"--data-dir={self._folder / 'etcd'}", "--unsafe-no-fsync", "--log-level=error"),
            f"--listen-client-urls=http://127.0.0.1:{self._etcd}",
            f"--advertise-client-urls=http://127.0.0.1:{self._etcd}",
            f"--listen-peer-urls=http://127.0.0.1:{self._peer}",
        )
        key = self._folder / "accounts.key"
        self._run(
            *("kube-apiserver", f"--etcd-servers=http://127.0.0.1:{self._etcd}", "--authorization-mode=RBAC"),
            *("--bind-address=127.0.0.1", f"--secure-port={self._port}", f"--cert-dir={self._folder}"),
            *("--service-account-issuer=https://localhost", f"--service-account-key-file={key}"),
            *(f"--service-account-signing-key-file={key}", f"--token-auth-file={self._folder / 'tokens'}"),
            "--service-cluster-ip-range=10.96.0.0/24",
        )
        self._await(token)
        self.kubeconfig.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "local", "cluster": self._cluster}],
                    "users": [{"name": "admin", "user": {"token": token}}],
                    "contexts": [{"name": "admin", "context": {"cluster": "local", "user": "admin"}}],
                    "current-context": "admin",
                }
            )
        )
        return self

    def stop(self):
        """Kill both."""
        for process in self._processes:
            process.kill()
            process.wait()

    @property
    def _cluster(self):
        """Where it is and how its certificate is known."""
        return {
            "server": f"https://127.0.0.1:{self._port}",
            "certificate-authority": str(self._folder / "apiserver.crt"),
        }

    def _make_key(self):
        """Make the key that signs tokens of service accounts."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        (self._folder / "accounts.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )

    def _run(self, name, *arguments):
        """Start a program."""
        with (self._folder / f"{name}.log").open("ab") as log:
            self._processes.append(
                subprocess.Popen([program(name), *arguments], stdout=log, stderr=log, cwd=self._folder)
            )

    def _await(self, token):
        """Poll until it is ready."""
        deadline = time.monotonic() + PATIENCE
        request = urllib.request.Request(
            f"{self._cluster['server']}/readyz", headers={"Authorization": f"Bearer {token}"}
        )
        while time.monotonic() < deadline and all(process.poll() is None for process in self._processes):
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError, FileNotFoundError):
                trusted = ssl.create_default_context(cafile=self._cluster["certificate-authority"])
                with urllib.request.urlopen(request, timeout=2, context=trusted):
                    return
            time.sleep(0.1)
        said = (self._folder / "kube-apiserver.log").read_text()[-3000:]
        self.stop()
        raise RuntimeError(f"The API server did not come up:\n{said}")
