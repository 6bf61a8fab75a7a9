"""The API server takes every object of every variant, judged by the real resources and by KServe's webhooks."""

import uuid

import pytest
from cluster_tools import attempt, documents, run

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def namespace(chart):
    """A namespace of its own, since a dry run needs one that is there."""
    name = f"chart-{uuid.uuid4().hex[:5]}"
    # As `helm install` does where it is no dry run.
    run("kubectl", "apply", "--server-side", "--force-conflicts", "-f", chart.folder / "crds")
    run("kubectl", "create", "namespace", name)
    yield name
    run("kubectl", "delete", "namespace", name, "--wait=false")


def test_the_api_server_takes_every_object(chart, variant, namespace):
    """No field that it does not know, none that it would drop, none that a webhook refuses."""
    # A pod is refused where its ServiceAccount is not there yet; that of helm test runs in tests/cluster.
    objects = [each for (kind, _), each in chart.everything(variant).items() if kind != "Pod"]
    judged = ("--dry-run=server", "--validate=strict", "-f", "-")

    told = attempt("kubectl", "apply", "-n", namespace, *judged, stdin=documents(*objects))

    assert told.returncode == 0, told.stderr
    assert "Warning" not in told.stderr
    assert len(told.stdout.splitlines()) == len(objects)


def test_helm_finds_kserve_by_itself(chart, variant, namespace):
    """No value need say that it is there, nor how old it is."""
    values = chart.folder / "ci" / f"{variant}-values.yaml"

    told = run("helm", "install", "forecast", chart.folder, "-n", namespace, "--dry-run=server", "--values", values)

    assert "comes up" in told
