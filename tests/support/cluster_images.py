"""The images that the cluster must hold: those of hack/images by default, others by variables."""

import importlib.metadata
import os

from twinpin.version import __version__

# Read when a test run begins: tests themselves see no variable of ours.
REGISTRY = os.environ.get("TWINPIN_TEST_IMAGE_REGISTRY", "")
TAG = os.environ.get("TWINPIN_TEST_IMAGE_TAG", __version__)
MLFLOW = os.environ.get("TWINPIN_TEST_MLFLOW_IMAGE", f"twinpin-test-mlflow:{importlib.metadata.version('mlflow')}")
PROMETHEUS = os.environ.get("TWINPIN_TEST_PROMETHEUS_IMAGE", "twinpin-test-prometheus:3.16.0")
REDIS = os.environ.get("TWINPIN_TEST_REDIS_IMAGE", "twinpin-test-redis:7.0")


def image(target):
    """Name the image of one target."""
    return f"{REGISTRY.rstrip('/')}/twinpin-{target}:{TAG}".removeprefix("/")
