"""An MLflow server and a Redis in the cluster, which every release of a test run shares."""

import base64

import cluster_images
from cluster_pods import deployment, pod_spec, resources, service

MLFLOW_PORT, REDIS_PORT = 5000, 6379
#: What docs/kubernetes.md tells to set for webhooks inside a cluster; the list of webhooks is read anew each second.
ENVIRONMENT = {
    "HOME": "/tmp",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "https,http",
    "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
    "MLFLOW_WEBHOOK_CACHE_TTL": "1",
    "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": base64.urlsafe_b64encode(b"a key for tests, and 32 bytes of").decode(),
}


def mlflow(claim):
    """Lay out MLflow with its database and its artifacts in a room, so that it comes back as it went."""
    command = [
        *("mlflow", "server", "--host", "0.0.0.0", "--port", str(MLFLOW_PORT), "--workers", "1"),
        *("--backend-store-uri", "sqlite:////data/mlflow.db", "--serve-artifacts"),
        *("--artifacts-destination", "file:///data/artifacts"),
        # It would answer 403 to every name but localhost.
        *("--allowed-hosts", "*"),
    ]
    container = {
        "image": cluster_images.MLFLOW,
        "command": command,
        "env": [{"name": name, "value": value} for name, value in ENVIRONMENT.items()],
        "ports": [{"containerPort": MLFLOW_PORT}],
        "readinessProbe": {"httpGet": {"path": "/health", "port": MLFLOW_PORT}, "periodSeconds": 2},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "workingDir": "/tmp",
        "resources": resources("20m", "640Mi", "1Gi"),
    }
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": claim}}
    return deployment("mlflow", pod_spec(container, volumes=[volume])), service("mlflow", MLFLOW_PORT)


def redis():
    """Lay out a Redis that keeps everything in memory."""
    container = {
        "image": cluster_images.REDIS,
        "command": ["redis-server", "--save", "", "--protected-mode", "no", "--dir", "/tmp"],
        "ports": [{"containerPort": REDIS_PORT}],
        "readinessProbe": {"tcpSocket": {"port": REDIS_PORT}, "periodSeconds": 2},
        "resources": resources("10m", "128Mi"),
    }
    return deployment("redis", pod_spec(container)), service("redis", REDIS_PORT)
