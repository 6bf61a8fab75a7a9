"""Accidents of the controller itself, under load: docs/operations.md says how each of them looks."""

import json
import uuid

import pytest
import yaml
from cluster_line import slow_line
from cluster_load import load
from cluster_release import CHART
from cluster_tools import run
from cluster_watch import THRESHOLDS

pytestmark = [pytest.mark.cluster, pytest.mark.unhurried]

#: As in test_cluster_accidents_alias.py.
STEADY = {"clients": 8, "rate": 55.0}
(DEFINITION,) = (CHART / "crds").glob("*.yaml")


@pytest.fixture
def older_definition():
    """The definition of a version that kept no record of retries, as Helm left it; no other release here has any."""
    name = yaml.safe_load(DEFINITION.read_text())["metadata"]["name"]
    found = json.loads(run("kubectl", "get", "customresourcedefinition", name, "-o", "json"))
    del found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]["retried"]
    run("kubectl", "replace", "--field-manager=helm", "-f", "-", stdin=json.dumps(found))
    yield
    renew()


def renew():
    """Do what the page says."""
    run("kubectl", "apply", "--server-side", "--force-conflicts", "-f", str(DEFINITION.parent))


def test_after_an_upgrade_without_its_definition_the_controller_does_nothing(
    followed, night, questions, *, measured, accident, older_definition
):
    """Nothing is done on a record that is not kept; with the definition renewed it goes on by itself."""
    pair, before = night.newcomer(), followed.rollout
    with load(followed.namespace, questions.mixed(followed, pair, *followed.earlier), **STEADY) as seen:
        asked = f"twinpin.dev/retry={uuid.uuid4()}"
        followed.namespace.kubectl("annotate", "pairedgraph", followed.name, asked, "--overwrite")
        accident.await_panel(lambda faults: faults > 0, kind="cluster")
        night.promote(pair)
        accident.await_alert(kind="cluster")
        said, meanwhile = followed.namespace.kubectl("logs", f"deploy/{followed.name}-controller"), followed.rollout
        renew()
        followed.await_live(pair)
        accident.await_over()
    measured("an older definition of PairedGraph", seen.told())

    assert seen.lost == 0, seen.told()
    assert meanwhile == before
    assert "The cluster drops fields of the status of PairedGraph" in said


def test_a_registry_that_sends_a_byte_now_and_then_blinds_the_controller(
    followed, world, night, questions, *, measured, accident
):
    """The round under way has no end; what serves goes on, and the controller does when the line is mended."""
    pair, before = night.newcomer(), followed.rollout
    with load(followed.namespace, questions.mixed(followed, pair, *followed.earlier), **STEADY) as seen:
        with slow_line(world):
            accident.await_panel(lambda seconds: seconds > THRESHOLDS["lookSeconds"])
            accident.await_alert()
            meanwhile = followed.rollout
        night.promote(pair)
        followed.await_live(pair)
        accident.await_over()
    measured("a registry that sends a byte now and then", seen.told())

    assert seen.lost == 0, seen.told()
    assert meanwhile == before
