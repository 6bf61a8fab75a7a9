"""MLflow tells the controller of the chart when an alias moves; what the controller tells in turn."""

import http.client
import json
import time

import pytest
from cluster_ports import forwarded
from cluster_waits import until
from prometheus_client.parser import text_string_to_metric_families

from twinpin.pair.registry import MlflowRegistry
from twinpin.rollout.webhook_command import Webhooks

pytestmark = pytest.mark.cluster

SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "mlflow-webhook"},
    "stringData": {"secret": "between us"},
}
#: Seconds between two looks at the registry, with which a poll would find nothing within these tests.
SELDOM = 600
#: Seconds from the write of an alias to the record of it, by a controller whose looks take ten on a busy machine.
SOON = 120.0


@pytest.fixture(scope="module")
def controller(follower):
    """The name of the controller's Deployment and Service."""
    return f"{follower.name}-controller"


@pytest.fixture(scope="module")
def hooked(follower, world, controller):
    """The release with a controller, whose address is registered with MLflow."""
    follower.namespace.apply(SECRET)
    follower.upgrade({"controller": {"webhook": {"secretName": "mlflow-webhook"}}})
    follower.namespace.await_rollout(controller)
    with world.registrar() as registrar:
        url = f"http://{controller}.{follower.namespace.name}.svc/mlflow"
        hooks = Webhooks(MlflowRegistry(registrar.uri), url)
        hooks.register(SECRET["stringData"]["secret"])
        yield follower
        hooks.remove()


@pytest.fixture
def ask(hooked, controller):
    """Ask the controller's Service from here."""
    with forwarded(hooked.namespace, f"svc/{controller}", 80) as (port,):

        def asked(method, path):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request(method, path)
            answer = connection.getresponse()
            text = answer.read().decode()
            connection.close()
            return answer.status, text

        yield asked


@pytest.fixture
def figures(ask):
    """Scrape the controller: each series by its name and the values of its labels."""

    def scraped():
        status, text = ask("GET", "/metrics")
        assert status == 200, text
        samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
        return {(each.name.removeprefix("twinpin_"), *each.labels.values()): each.value for each in samples}

    return scraped


def test_a_move_is_seen_at_once(hooked, followed, night, figures, measured):
    """Long before the next poll; the way back as well."""
    before, pair = hooked.pair, night.newcomer()
    hooked.wish(pollSeconds=SELDOM)
    until("a controller at rest", lambda: time.time() - figures()["controller_last_look_timestamp_seconds",] > 20, 120)
    at_rest = figures()
    moved = time.monotonic()
    night.promote(pair)
    hooked.await_record("the move", lambda record: names(record, pair), SOON)
    measured("from the alias to the controller's record by a webhook, seconds", f"{time.monotonic() - moved:.1f}")
    hooked.await_live(pair)
    promoted = figures()
    hooked.wish(pollSeconds=1)
    night.promote(before)
    hooked.await_live(before)

    assert at_rest["rollout_phase", "Serving"] == 1
    key = ("webhook_deliveries_total", "accepted")
    assert promoted[key] >= at_rest[key] + 1
    assert promoted["rollout_switches_total", "Switched"] == at_rest["rollout_switches_total", "Switched"] + 1
    assert promoted["rollout_alias_lag_seconds",] == 0
    assert promoted["controller_lease_held",] == promoted["registry_reachable",] == 1
    assert any(pair.label in message for message in hooked.told("Switched"))


def names(record, pair):
    """Whether a record names a pair as the one that comes, or that serves."""
    found = (record.get("candidate") or {}).get("versions", "") + "-", (record.get("stable") or {}).get("pair", "")
    return any(each.startswith(pair.label) for each in found)


def test_an_unsigned_delivery_is_refused(ask, figures):
    """Whoever reaches the Service may try."""
    before = figures()["webhook_deliveries_total", "unsigned"]
    status, text = ask("POST", "/mlflow")

    assert status == 401
    assert "secret" in json.loads(text)["error"]
    assert figures()["webhook_deliveries_total", "unsigned"] == before + 1


def test_a_controller_that_ends_gives_its_lease_back(hooked, controller):
    """The next one need not wait for it to run out."""
    hooked.namespace.await_rollout(controller)
    (pod,) = hooked.namespace.pods(controller)
    hooked.namespace.scale(controller, 0)
    hooked.namespace.await_gone(pod["metadata"]["name"])
    given_back = hooked.namespace.get("Lease", f"{hooked.name}-rollout")["spec"]
    hooked.namespace.scale(controller, 1)
    hooked.namespace.await_rollout(controller)
    until("the lease of the next one", lambda: holder(hooked).startswith(controller), 60)

    assert not given_back.get("holderIdentity")


def holder(release):
    """Who has the lease."""
    return release.namespace.get("Lease", f"{release.name}-rollout")["spec"].get("holderIdentity") or ""
