"""Rooms: folders on one node that outlive pods, as PersistentVolumes, made and swept by restricted pods.

They lie in the node's /tmp, where a user without rights may make a folder.
"""

import contextlib
import uuid

from cluster_images import image
from cluster_pods import pod, pod_spec, resources
from cluster_waits import until

_SIZE = "2Gi"


class Rooms:
    """Rooms on one node, in one folder that is theirs."""

    def __init__(self, api, home):
        self._home, self._api = home, api
        self._folder = f"twinpin-rooms-{uuid.uuid4().hex[:5]}"
        nodes = [node for node in api.list("Node") if not node["spec"].get("unschedulable")]
        self._node = nodes[0]["metadata"]["labels"]["kubernetes.io/hostname"]
        self._made = []

    def open(self):
        """Mount the node's /tmp once."""
        self._claim(self._home, "node-tmp", "/tmp")

    def close(self):
        """Remove the folders, then what led to them."""
        self._run("sweep", f"import shutil; shutil.rmtree('/node/{self._folder}', ignore_errors=True)")
        for name in self._made:
            self._home.kubectl("delete", "persistentvolume", name, "--wait=false")

    def make(self, namespace, claim):
        """Make a room that pods of *namespace* mount by the name *claim*."""
        path = f"{self._folder}/{namespace.name}-{claim}"
        # The node's umask must not close it to other users: a room is for whoever mounts it.
        code = f"import os; path = '/node/{path}'; os.makedirs(path); os.chmod(path, 0o1777)"
        self._run(f"make-{claim}-{uuid.uuid4().hex[:5]}", code)
        self._claim(namespace, claim, f"/tmp/{path}")

    def _claim(self, namespace, claim, path):
        """Bind a folder of the node to a claim of its own."""
        name = f"{namespace.name}-{claim}"
        self._made.append(name)
        modes = {"accessModes": ["ReadWriteMany"], "storageClassName": "", "volumeMode": "Filesystem"}
        hostname = {"key": "kubernetes.io/hostname", "operator": "In", "values": [self._node]}
        volume = {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name},
            "spec": {
                **modes,
                "capacity": {"storage": _SIZE},
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": {"namespace": namespace.name, "name": claim},
                "hostPath": {"path": path, "type": "Directory"},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [hostname]}]}},
            },
        }
        asked = {**modes, "volumeName": name, "resources": {"requests": {"storage": _SIZE}}}
        metadata = {"name": claim}
        namespace.apply(
            volume, {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": asked}
        )

    def _run(self, name, code):
        """Run Python once on the node's /tmp."""
        container = {
            "image": image("resolve"),
            "command": ["python", "-c", code],
            "volumeMounts": [{"name": "node", "mountPath": "/node"}],
            "resources": resources("10m", "64Mi"),
        }
        volume = {"name": "node", "persistentVolumeClaim": {"claimName": "node-tmp"}}
        self._home.apply(pod(name, pod_spec(container, volumes=[volume])))
        until(f"pod {name}", lambda: self._phase(name), 90)
        self._home.kubectl("delete", "pod", name, "--wait=false")

    def _phase(self, name):
        """Tell whether the pod has done its work."""
        phase = self._home.get("Pod", name)["status"].get("phase")
        assert phase != "Failed", self._home.kubectl("logs", name)
        return phase == "Succeeded", phase


@contextlib.contextmanager
def rooms(api, home):
    """Make rooms, and sweep them."""
    made = Rooms(api, home)
    made.open()
    try:
        yield made
    finally:
        made.close()
