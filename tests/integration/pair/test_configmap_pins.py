"""Pins in ConfigMaps of a real API server: made once, kept, and refused where somebody else made them."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import certifi
import pytest
from kubernetes.client.exceptions import ApiException
from kubernetes.config import incluster_config
from pin_release import Release

from twinpin.pair import api_server
from twinpin.pair.api_server import ApiServer
from twinpin.pair.configmap_pins import ConfigMapPins
from twinpin.pair.errors import BadPin, Denied, NoOwner, PinLeaving, Refused, Unreachable
from twinpin.pair.pin import Half, Pin
from twinpin.pair.version import stamp


def pin(number, rollout="r1"):
    """Make a Pin that differs from others by its versions."""
    halves = [Half(name=name, version=str(number), run_id=None, digest=f"sha256:{number:064x}") for name in "pm"]
    return Pin(
        id=stamp(*halves),
        rollout=rollout,
        alias="production",
        preprocessor=halves[0],
        model=halves[1],
        evidence="run",
        created=datetime.now(UTC),
    )


def opened(owner="forecast-pair", namespace=None):
    """Open the Pins anew, as another pod would."""
    return ConfigMapPins(ApiServer(namespace), owner)


def test_what_was_created_is_read(account):
    """By a process that never saw the first; a rollout without a Pin has none."""
    made = opened().create(pin(1))

    assert opened().read("r1") == made == pin(1).model_copy(update={"created": made.created})


def test_the_configmap_says_whose_it_is(account):
    """Nobody can change it, a person finds it by its labels, and it goes when its owner goes."""
    owner = account.core.read_namespaced_config_map("forecast-pair", account.namespace).metadata.uid
    opened().create(pin(1))
    made = account.pin()
    with pytest.raises(ApiException, match="immutable"):
        account.core.patch_namespaced_config_map("forecast-pair-r1", account.namespace, {"data": {"pin.json": "{}"}})

    assert made.immutable is True
    assert made.metadata.labels == {"app.kubernetes.io/part-of": "twinpin", "twinpin.dev/rollout": "r1"}
    assert made.metadata.annotations == {"twinpin.dev/pair": pin(1).id}
    assert [(each.kind, each.uid) for each in made.metadata.owner_references] == [("ConfigMap", owner)]


def test_all_who_come_at_once_get_the_same(account):
    """Each brings its own pair; one holds for all."""
    with ThreadPoolExecutor(16) as pool:
        got = list(pool.map(lambda number: opened().create(pin(number)), range(48)))

    assert len(set(got)) == 1
    assert opened().read("r1") == got[0]


def test_a_right_that_is_missing_is_named_and_the_command_gives_it(release, monkeypatch):
    """One after the other, as a person would who reads the message and does what it says."""
    monkeypatch.setenv("KUBECONFIG", str(release.login()))
    denied = []
    rights = [
        ("get", "configmaps", "forecast-pair"),
        ("create", "configmaps"),
        ("get", "configmaps", "forecast-pair-r1"),
    ]
    for right in rights:
        with pytest.raises(Denied) as caught:
            opened().read("r1") if right[0] == "get" else opened().objects.create("configmaps", {})
        denied.append(caught.value.message)
        release.mend(caught.value.mend)
        release.await_right(*right)
    opened().create(pin(1))
    who = f"system:serviceaccount:{release.namespace}:forecast-resolve may not"

    assert [message.split(" in namespace")[0] for message in denied] == [
        f"{who} get configmaps/forecast-pair",
        f"{who} create configmaps",
        f"{who} get configmaps/forecast-pair-r1",
    ]
    assert release.pin().immutable


def test_who_is_nobody_is_denied(release, monkeypatch, tmp_path):
    """A token that was revoked does not come back by waiting."""
    text = release.login().read_text().replace("token: ", "token: x")
    (tmp_path / "forged").write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "forged"))

    with pytest.raises(Denied, match="does not take these credentials"):
        opened().read("r1")


def test_an_owner_that_is_not_there_is_named_before_anything_is_downloaded(account):
    """A wrong name or a wrong namespace looks the same, and one command makes it right where it was neither."""
    account.uninstall()
    with pytest.raises(NoOwner, match="ConfigMap forecast-pair that is to own") as caught:
        opened().read("r1")
    account.mend(caught.value.mend)

    assert opened().read("r1") is None


@pytest.mark.parametrize("text", ["", "{}", "not json"])
def test_what_is_not_a_pin_is_refused(account, text):
    """It must not be taken for none, or a second pair would start."""
    account.put(text, immutable=True)

    with pytest.raises(BadPin, match="configmaps/forecast-pair-r1 in namespace"):
        opened().read("r1")


def test_the_pin_of_another_rollout_is_refused(account):
    """Somebody copied it."""
    account.put(pin(1, "r9").model_dump_json(), immutable=True)

    with pytest.raises(BadPin, match="the Pin of rollout 'r9', not of 'r1'"):
        opened().read("r1")


def test_a_pin_that_can_be_changed_is_refused_until_it_is_sealed(account):
    """Two pods could read two pairs in it."""
    account.put(pin(1).model_dump_json())
    with pytest.raises(BadPin, match="not immutable") as caught:
        opened().read("r1")
    account.mend(caught.value.mend)

    assert opened().read("r1").id == pin(1).id


def test_a_pin_of_the_installation_before_is_waited_out(local_api, tmp_path, monkeypatch):
    """Kubernetes will delete it: who took it would start a pair that the next pod does not find."""
    release = Release(local_api, tmp_path)  # of our own, where nothing collects it before we have looked
    release.grant()
    monkeypatch.setenv("KUBECONFIG", str(release.login()))
    opened().create(pin(1))
    release.uninstall()
    release.own()
    for attempt in (lambda: opened().read("r1"), lambda: opened().create(pin(2))):
        with pytest.raises(PinLeaving, match="of a release that was uninstalled") as caught:
            attempt()
    release.mend(caught.value.mend)

    assert opened().create(pin(2)).id == pin(2).id


@pytest.mark.parametrize(("owner", "rollout"), [("forecast-pair", "a..b"), ("Forecast", "r1"), ("f" * 252, "r1")])
def test_a_name_that_kubernetes_does_not_take_is_refused_by_its_setting(account, owner, rollout):
    """And not by a status of the API server."""
    with pytest.raises(Refused, match="--pins-configmap and --rollout"):
        opened(owner).read(rollout)


def test_a_namespace_that_is_not_there_is_refused(release, monkeypatch):
    """The administrator may look anywhere."""
    monkeypatch.setenv("KUBECONFIG", str(release._kubeconfig))

    with pytest.raises(NoOwner, match="not in namespace nowhere"):
        opened(namespace="nowhere").read("r1")


@pytest.mark.parametrize(
    ("cluster", "said"),
    [
        ({"server": "https://127.0.0.1:1"}, r"https://127.0.0.1:1 does not answer \(Connection refused\)"),
        ({"server": "https://nowhere.invalid"}, "does not answer"),
        ({"certificate-authority": certifi.where()}, "CERTIFICATE_VERIFY_FAILED"),
    ],
)
def test_a_server_that_cannot_be_reached_is_temporary(account, monkeypatch, cluster, said):
    """It is updated, or the network is."""
    monkeypatch.setenv("KUBECONFIG", str(account.login(**cluster)))

    with pytest.raises(Unreachable, match=f"Could not get configmaps/forecast-pair in namespace .*{said}"):
        opened().read("r1")


def test_a_pod_goes_in_as_its_service_account(account, monkeypatch, tmp_path):
    """By the three files that the kubelet mounts, and into the namespace that one of them names."""
    server = account.cluster["server"].removeprefix("https://")
    host, _, port = server.rpartition(":")
    (tmp_path / "token").write_text(account.token())
    (tmp_path / "namespace").write_text(account.namespace)
    monkeypatch.delenv("KUBECONFIG")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    monkeypatch.setattr(api_server, "ACCOUNT", tmp_path)
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", account.authority())
    with pytest.raises(Refused, match="mount the service account's token"):
        opened().read("r1")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    made = opened().create(pin(1))

    assert "KUBECONFIG" not in os.environ
    assert opened().read("r1") == made
    assert account.pin().metadata.namespace == account.namespace
