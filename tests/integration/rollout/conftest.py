"""One API server that knows PairedGraphs; nobody works there but whom a test starts."""

import subprocess
from pathlib import Path

import pytest
import yaml
from api_server import LocalApiServer, program

import twinpin.rollout

CRD = Path(twinpin.rollout.__file__).with_name("pairedgraph.crd.yaml")


@pytest.fixture(scope="session")
def admin(tmp_path_factory):
    """The administrator's kubectl."""
    if missing := [name for name in ("etcd", "kube-apiserver", "kubectl") if program(name) is None]:
        pytest.skip(f"needs {', '.join(missing)}: hack/cluster/build makes them from Go modules")
    server = LocalApiServer(tmp_path_factory.mktemp("api")).start()

    def kubectl(*words, document=None):
        command = [program("kubectl"), f"--kubeconfig={server.kubeconfig}", *map(str, words)]
        text = yaml.safe_dump(document) if document else None
        return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout

    kubectl.kubeconfig = server.kubeconfig
    kubectl("apply", "-f", CRD)
    kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    yield kubectl
    server.stop()
