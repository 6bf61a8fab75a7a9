"""On a cluster: the API server takes every object, and what a user applies serves forecasts."""

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import cluster_images
import pytest
import yaml
from cluster_api import Api
from cluster_namespaces import namespace as make_namespace
from cluster_ports import forwarded
from cluster_tools import documents, run
from cluster_waits import until
from kustomized import MANIFESTS, ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

TWINPIN = Path(sys.executable).with_name("twinpin")
#: A server of a stranger, on a model that KServe's storage initializer lays into /mnt/models.
STRANGER = """
import pathlib, sys
sys.argv[1:] = []
import numpy, xgboost
from kserve import Model, ModelServer

class Stranger(Model):
    def load(self):
        (file,) = pathlib.Path("/mnt/models").glob("model.*")
        self.booster, self.ready = xgboost.Booster(model_file=file), True

    def predict(self, payload, headers=None):
        rows = numpy.array(payload["instances"], dtype="f4")
        return {"predictions": self.booster.inplace_predict(rows).tolist()}

stranger = Stranger("stranger")
stranger.load()
ModelServer().start([stranger])
"""


@pytest.fixture(scope="module")
def place(kubectl, helm):
    """A namespace; KServe's router has no seccomp profile, so the restricted standard would refuse it."""
    api = Api()
    with make_namespace(api, "manifests", standard="baseline") as made:
        yield made
    api.close()


@pytest.mark.parametrize("overlay", sorted(each.name for each in (MANIFESTS / "overlays").iterdir()))
def test_the_api_server_takes_every_object(kustomize, place, overlay):
    """Its schemas are the real ones, KServe's, KEDA's and Prometheus' among them, and KServe's webhooks look too."""
    objects = kustomize.overlay(MANIFESTS / "overlays" / overlay, place.name)
    told = place.kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", stdin=documents(*objects.values()))

    assert len(told.splitlines()) == len(objects)


@dataclasses.dataclass(frozen=True)
class BroughtUp:
    """What hack/kind/install made, and the forecast that it printed."""

    namespace: object
    forecast: dict

    def apply(self, document):
        """Apply one InferenceService, and wait for it."""
        self.namespace.apply(document)
        name = document["metadata"]["name"]
        self.namespace.kubectl("wait", "inferenceservice", name, "--for=condition=Ready", "--timeout=180s")

    def ask(self, service, path, body=None):
        """Send a request by way of the API server."""
        url = f"/api/v1/namespaces/{self.namespace.name}/services/{service}:80/proxy/{path}"
        if body is None:
            return json.loads(self.namespace.kubectl("get", "--raw", url))
        return json.loads(self.namespace.kubectl("create", "--raw", url, "-f", "-", stdin=json.dumps(body)))


def bring_up(place, *flags):
    """Do what hack/kind-up does once the cluster has KServe and the images."""
    if cluster_images.REGISTRY:
        pytest.skip("manifests/overlays/kind is for images without a registry")
    command = [ROOT / "hack" / "kind" / "install", "--namespace", place.name, *flags]
    command += ["--mlflow-image", cluster_images.MLFLOW, "--redis-image", cluster_images.REDIS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=800, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    (line,) = [line for line in done.stdout.splitlines() if line.startswith('{"prediction"')]
    return BroughtUp(place, json.loads(line))


@pytest.fixture(scope="module")
def brought_up(place):
    """The demo's pair by manifests."""
    return bring_up(place, "--manifests")


def test_kind_up_ends_with_a_forecast(brought_up):
    """The overlay, the seeded stores and the images make a graph that answers by its first pair."""
    assert len(brought_up.forecast["prediction"]) == 24
    assert brought_up.forecast["pair"]["id"].startswith("p1-m1-")
    assert brought_up.namespace.get("ConfigMap", "forecast-pair-r1")["immutable"]


@pytest.mark.usefixtures("kubectl", "helm")
def test_kind_up_follows_the_alias():
    """The chart and nothing but `twinpin promote`: the next forecasts are the second pair's."""
    api = Api()
    with make_namespace(api, "kind", standard="baseline") as place:
        made = bring_up(place)
        assert made.forecast["pair"]["id"].startswith("p1-m1-")
        with forwarded(place, "svc/mlflow", 5000) as (port,):
            versions = ["--preprocessor-version", "2", "--model-version", "2"]
            run(TWINPIN, "promote", "--registry-uri", f"http://127.0.0.1:{port}", *versions)

        def forecast():
            answer = made.ask("forecast-gateway", "predict/feast", {"entities": [1]})
            return answer["pair"]["id"].startswith("p2-m2-"), answer["pair"]

        until("a forecast by the second pair", forecast, 240)
    api.close()


def test_the_page_of_objects_tells_what_is_there(brought_up):
    """All that KServe made is in its first table, and nothing else, with the ports."""
    page = (ROOT / "docs" / "kubernetes-objects.md").read_text()
    rows = page.partition("\n## What the chart makes")[0].splitlines()
    told = dict(re.findall(r"^\|[^|]*\| (\w+ `[\w-]+`) \| ([^|]*?) *\|", "\n".join(rows), re.MULTILINE))
    kinds = ("Deployment", "Service", "HorizontalPodAutoscaler")
    made = {f"{kind} `{each['metadata']['name']}`": ports(each) for kind in kinds for each in owned(brought_up, kind)}

    assert told == made


def ports(made):
    """Write the ports of a Service as the page does; nothing else has any."""
    if made["kind"] != "Service":
        return ""
    return ", ".join(
        f"`{port['name']}` {port['port']}→{port['targetPort']}{' (h2c)' * ('h2c' in port.get('appProtocol', ''))}"
        for port in made["spec"]["ports"]
    )


def owned(brought_up, kind):
    """List the objects that KServe made of the release's."""
    return [
        each
        for each in brought_up.namespace.list(kind, **{"app.kubernetes.io/instance": "forecast"})
        if any(owner["kind"].startswith("Inference") for owner in each["metadata"].get("ownerReferences", ()))
    ]


def test_one_inference_service_works_alone(brought_up):
    """Nothing but the file is applied, and it serves the pair behind the alias."""
    brought_up.apply(yaml.safe_load((MANIFESTS / "single" / "predict.yaml").read_text()))
    described = brought_up.ask("predict-predictor", "v2/models/predict")
    (tensor,) = described["inputs"]
    row = {"name": tensor["name"], "datatype": tensor["datatype"], "shape": [1, tensor["shape"][1]]}
    answer = brought_up.ask(
        "predict-predictor", "v2/models/predict/infer", {"inputs": [{**row, "data": [0.0] * tensor["shape"][1]}]}
    )

    assert answer["outputs"][0]["shape"] == [1, 24]
    assert answer["parameters"]["pair"] == brought_up.forecast["pair"]["id"]
    assert brought_up.namespace.get("HorizontalPodAutoscaler", "predict-predictor") is None


@pytest.fixture
def mlflow_scheme(place):
    """`mlflow://` for the whole cluster, from the MLflow of this namespace, while a test lasts."""
    document = yaml.safe_load((MANIFESTS / "storage" / "mlflow.yaml").read_text())
    (registry,) = [each for each in document["spec"]["container"]["env"] if each["name"] == "MLFLOW_TRACKING_URI"]
    registry["value"] = f"http://mlflow.{place.name}.svc:5000"
    place.apply(document)
    yield
    place.kubectl("delete", "clusterstoragecontainer", document["metadata"]["name"])


def stranger(name, uri):
    """Write somebody else's InferenceService, with a storage URI and a server of their own."""
    container = {
        "name": "kserve-container",
        "image": cluster_images.image("predict"),
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-c", STRANGER],
        "env": [{"name": "STORAGE_URI", "value": uri}],
        "resources": {"requests": {"cpu": "20m", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532},
    }
    annotations = {"serving.kserve.io/deploymentMode": "Standard", "serving.kserve.io/autoscalerClass": "none"}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {"predictor": {"minReplicas": 1, "maxReplicas": 1, "containers": [container]}},
    }


@pytest.mark.usefixtures("mlflow_scheme")
def test_stock_kserve_downloads_a_checked_half(brought_up):
    """KServe's own webhook understands the example's URI, and the stranger's server answers with the model."""
    example = yaml.safe_load((MANIFESTS / "storage" / "example.yaml").read_text())
    brought_up.namespace.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(example))
    brought_up.apply(stranger("stranger", example["spec"]["predictor"]["model"]["storageUri"]))
    log = brought_up.namespace.kubectl("logs", "deployment/stranger-predictor", "-c", "storage-initializer")
    answer = brought_up.ask("stranger-predictor", "v1/models/stranger:predict", {"instances": [[0.0] * 192]})

    assert "xgboost_model 1, model of p1-m1" in log
    assert len(answer["predictions"][0]) == 24


@pytest.mark.usefixtures("mlflow_scheme")
def test_a_half_without_its_other_stays_in_init_and_says_why(brought_up):
    """A name that the registry does not know is named where `kubectl describe` looks."""
    uri = "mlflow://xgboost_model@production?pair=another_preprocessor"
    brought_up.namespace.apply(stranger("astray", uri))

    def refused():
        """Look for the reason in the pods' status."""
        for pod in brought_up.namespace.pods("astray-predictor"):
            for status in pod["status"].get("initContainerStatuses", ()):
                ended = status["state"].get("terminated") or status["lastState"].get("terminated")
                if ended and ended["exitCode"] == 3:
                    return ended["message"]
        return None

    assert "another_preprocessor" in until("the reason in the pod's status", refused, 120)
