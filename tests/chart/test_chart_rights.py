"""The controller's own code, with the rights of its Role alone, at a real API server that also guards owners."""

import asyncio
import contextlib
import datetime as dt
import subprocess
import time

import pytest
import yaml
from api_server import LocalApiServer, program
from kubernetes import client, config

from twinpin.pair.pin import Half, Pin
from twinpin.rollout.kube_api import ClusterFault, KubeApi
from twinpin.rollout.kube_cluster import KubeCluster
from twinpin.rollout.kube_lease import KubeLease
from twinpin.rollout.probing import Prober, post_directly
from twinpin.rollout.resource import Status
from twinpin.rollout.snapshot import Route
from twinpin.rollout.template import Template

ROLLOUT = "p7-m7-3fa9c1"
#: KServe's kinds, as far as an API server must know them to keep what it is given.
KINDS = {"InferenceService": "v1beta1", "InferenceGraph": "v1alpha1"}
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
HALF = {"version": "7", "run_id": None, "digest": "sha256:00"}
PIN = Pin(
    id=ROLLOUT,
    rollout=ROLLOUT,
    alias="production",
    preprocessor=Half(name="a", **HALF),
    model=Half(name="b", **HALF),
    evidence="tag",
    created=NOW,
)


class GuardingApiServer(LocalApiServer):
    """Who changes the owners of an object must be able to delete it, and to finalize an owner that is held back."""

    def _run(self, name, *arguments):
        """Switch on what OpenShift has on."""
        more = ["--enable-admission-plugins=OwnerReferencesPermissionEnforcement"] if name == "kube-apiserver" else []
        super()._run(name, *arguments, *more)


def definition(kind, version):
    """Write a CustomResourceDefinition that takes anything."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    names = {"kind": kind, "plural": f"{kind.lower()}s", "singular": kind.lower(), "listKind": f"{kind}List"}
    served = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    group = "serving.kserve.io"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names['plural']}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [served]},
    }


@pytest.fixture(scope="module")
def admin(tmp_path_factory):
    """The administrator's kubectl at an API server of our own."""
    if missing := [name for name in ("etcd", "kube-apiserver", "kubectl") if program(name) is None]:
        pytest.skip(f"needs {', '.join(missing)}: hack/cluster/build makes them from Go modules")
    server = GuardingApiServer(tmp_path_factory.mktemp("api")).start()

    def kubectl(*words, documents=()):
        command = [program("kubectl"), f"--kubeconfig={server.kubeconfig}", *map(str, words)]
        text = yaml.safe_dump_all(documents)
        return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout

    kubectl.kubeconfig = server.kubeconfig
    yield kubectl
    server.stop()


@pytest.fixture(scope="module")
def kinds(chart, admin):
    """A namespace where everything that a release is made of is known."""
    admin("apply", "-f", "-", documents=[definition(*each) for each in KINDS.items()])
    admin("apply", "-f", chart.folder / "crds")
    admin("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    admin("create", "namespace", chart.namespace)


@pytest.fixture(
    scope="module",
    params=[("controller", None), ("controller-direct", {"graph": {"enabled": True}})],
    ids=["graph", "graph and gateway"],
)
def installed(chart, admin, kinds, request):
    """A release with a controller that writes one graph or two, all but the pod of helm test."""
    objects = chart.objects(*request.param)
    rest = [each for (kind, _), each in objects.items() if kind != "Pod"]
    admin("apply", "-n", chart.namespace, "-f", "-", documents=rest)
    router = {**objects["Deployment", "forecast-gateway"], "metadata": {"name": "forecast"}}
    admin("apply", "-n", chart.namespace, "-f", "-", documents=[router])  # as KServe makes it
    direct = Template.parse(objects["ConfigMap", "forecast-template"]["data"]).direct
    last = ("patch", "deployments.apps/forecast-gateway") if direct else ("list", "pods")
    await_rights(admin, chart.namespace, *last)
    yield objects
    admin("delete", "-n", chart.namespace, "--ignore-not-found", "-f", "-", documents=[*rest, router])
    for kind in KINDS:
        admin("delete", "-n", chart.namespace, kind, "--all")


def await_rights(admin, namespace, *words):
    """Wait until the server knows of the Role: it learns of Roles a little later than it stores them."""
    account = f"--as=system:serviceaccount:{namespace}:forecast-controller"
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(subprocess.CalledProcessError):  # it says no
            admin("auth", "can-i", "-n", namespace, account, *words)
            return
    raise RuntimeError(f"The controller was never allowed to {' '.join(words)}.")


@pytest.fixture
def api(chart, admin, installed, tmp_path, monkeypatch):
    """The API as the controller's pod reaches it."""
    document = yaml.safe_load(admin.kubeconfig.read_text())
    core = client.CoreV1Api(config.new_client_from_config(config_file=str(admin.kubeconfig)))
    asked = client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=[]))
    issued = core.create_namespaced_service_account_token("forecast-controller", chart.namespace, asked)
    document["users"][0]["user"] = {"token": issued.status.token}
    place = tmp_path / "kubeconfig"
    place.write_text(yaml.safe_dump(document))
    monkeypatch.setenv("KUBECONFIG", str(place))
    # The client reads the variable when it is imported, which is long ago here.
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(place))
    return KubeApi(chart.namespace)


async def live_a_rollout(cluster, template):
    """Do everything that a pair's life takes, in its order; returns what was seen of it."""
    await cluster.fronts()  # a look begins with them
    resource = await cluster.resource()
    await cluster.create_example(ROLLOUT, '{"data": {}}')
    await cluster.create_pin(PIN)
    assert await cluster.create_pin(PIN) == PIN
    for document in template.documents(ROLLOUT) * 2:  # made, then changed
        await cluster.apply(document)
    await cluster.scale("forecast", 3)
    found = (await cluster.rollouts())[ROLLOUT]
    for _ in range(2):  # made, then changed
        for front in await cluster.fronts():
            await cluster.point(front, Route(ROLLOUT))
    assert await cluster.senders()
    await cluster.write(Status(phase="Serving"), resource)
    await cluster.tell("Normal", "Switched", "It serves.")
    for _ in range(2):  # holding back the removal of its owner, and not
        for front in await cluster.fronts():
            await cluster.fence(front)
    for part in found.parts:
        await cluster.delete(part)
    return found, await cluster.fronts(), await cluster.rollouts(), await cluster.resource()


def test_the_role_is_enough_for_the_life_of_a_rollout(api, installed):
    """From the Pin to its removal, and every look between."""
    template = Template.parse(installed["ConfigMap", "forecast-template"]["data"])
    cluster = KubeCluster(api, "forecast", Prober(post_directly))

    found, fronts, left, resource = asyncio.run(live_a_rollout(cluster, template))

    assert found.pin == PIN
    assert found.current(template)
    assert {each.kind for each in found.parts} == {"ConfigMap"} | {each["kind"] for each in template.documents(ROLLOUT)}
    assert [each.follows(Route(ROLLOUT)) for each in fronts] == [True] * (2 if template.direct else 1)
    assert left == {}
    assert resource.status.phase == "Serving"


async def make(cluster, template):
    """Make a rollout by a template, and put its kinds on record."""
    resource = await cluster.resource()
    for document in template.documents(ROLLOUT):
        await cluster.apply(document)
    await cluster.write(resource.status.model_copy(update={"kinds": template.kinds}), resource)


async def tidy(cluster):
    """Remove what the template of now does not have; returns the rollout before and after, which goes too."""
    await cluster.fronts()
    await cluster.resource()
    before, template = (await cluster.rollouts())[ROLLOUT], await cluster.template()
    for part in before.dropped(template):
        await cluster.delete(part)
    after = (await cluster.rollouts())[ROLLOUT]
    for part in after.parts:
        await cluster.delete(part)
    return before, after


def test_the_role_is_enough_to_remove_what_was_switched_off(api, chart, admin, installed):
    """Its right to make autoscalers goes with the values, its right to remove them does not."""
    values = chart.objects("controller", {"autoscaling": {"enabled": False}})
    changed = [("Role", "forecast-controller"), ("ConfigMap", "forecast-template")]
    cluster = KubeCluster(api, "forecast", Prober(post_directly))
    asyncio.run(make(cluster, Template.parse(installed["ConfigMap", "forecast-template"]["data"])))

    try:
        admin("apply", "-n", chart.namespace, "-f", "-", documents=[values[key] for key in changed])
        before, after = asyncio.run(tidy(cluster))
    finally:
        admin("apply", "-n", chart.namespace, "-f", "-", documents=[installed[key] for key in changed])

    scalers = {each for each in before.parts if each.kind == "HorizontalPodAutoscaler"}
    assert scalers
    assert {*before.parts} - {*after.parts} == scalers


@pytest.fixture
def older_definition(chart, admin, installed):
    """The definition of a version that did not put the share of a canary on record."""
    (file,) = (chart.folder / "crds").glob("*.yaml")
    document = yaml.safe_load(file.read_text())
    del document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]["percent"]
    admin("apply", "-f", "-", documents=[document])
    yield
    admin("apply", "-f", file)


async def record(cluster, **changes):
    """Change some of the record."""
    resource = await cluster.resource()
    await cluster.write(resource.status.model_copy(update=changes), resource)


def await_loss(cluster):
    """Write until a write is told to be lost: the server takes a definition up a little later than it stores it."""
    for share in range(1, 99):
        try:
            asyncio.run(record(cluster, percent=share))
        except ClusterFault as error:
            return str(error)
        time.sleep(0.1)
    raise RuntimeError("The API server never took up the older definition.")


def test_a_definition_that_drops_fields_is_told_with_what_mends_it(api, older_definition):
    """Helm never upgrades one; a record that is not kept would be written again and again."""
    told = await_loss(KubeCluster(api, "forecast", Prober(post_directly)))

    assert "kubectl apply --server-side --force-conflicts -f crds/" in told


def test_the_role_is_enough_for_the_lease(api):
    """Taken, renewed, and given back."""
    lease = KubeLease(api, "forecast", "one")

    async def hold():
        first = [await lease.hold(), await lease.hold(), await lease.holder()]
        await lease.release()
        return [*first, await lease.holder()]

    assert asyncio.run(hold()) == [True, True, "one", ""]


@pytest.mark.parametrize(
    ("verb", "kind", "name"),
    [("get", "Secret", "forecast-features"), ("get", "PairedGraph", "other"), ("get", "InferenceGraph", "other")],
)
def test_what_is_not_its_own_is_refused(api, verb, kind, name):
    """A controller that is taken over reads no Secret, and no other release."""
    apis = {
        "Secret": "v1",
        "PairedGraph": "twinpin.dev/v1alpha1",
        "InferenceGraph": "serving.kserve.io/v1alpha1",
    }

    with pytest.raises(ClusterFault, match="forbidden"):
        asyncio.run(getattr(api, verb)(apis[kind], kind, name))
