"""Pods and Deployments of the tests' own, which a restricted namespace lets in."""

#: Who they run as: the numeric user of our images.
USER = 65532

CONTAINER = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}


def pod_spec(container, *, volumes=(), seconds=5):
    """Lay out a pod of one container that writes nowhere but in /tmp and in its volumes."""
    mounts = [{"name": "tmp", "mountPath": "/tmp"}, *container.pop("volumeMounts", [])]
    whole = {"name": "main", "imagePullPolicy": "IfNotPresent", "securityContext": CONTAINER, **container}
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationGracePeriodSeconds": seconds,
        "containers": [{**whole, "volumeMounts": mounts}],
        "volumes": [{"name": "tmp", "emptyDir": {}}, *volumes],
    }


def pod(name, spec, **more):
    """Lay out a pod that runs once."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"restartPolicy": "Never", **spec, **more},
    }


def deployment(name, spec):
    """Lay out one replica that is never there twice: its data is a folder."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def service(name, port):
    """Lay out a Service before a Deployment of the same name."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": port}]},
    }


def config_map(name, text, binary=None):
    """Lay out a ConfigMap of files."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": text,
        "binaryData": binary or {},
    }


def resources(cpu, memory, most=None):
    """Ask for little, allow *most* memory, and set no limit on CPU: the machine of a test run is small and shared."""
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": most or memory}}
