"""What works without the chart: one InferenceService by `kubectl apply`, and mlflow:// for KServe's own users."""

import copy
from pathlib import Path

import pytest
import yaml
from cluster_images import image
from cluster_pods import CONTAINER, pod_spec, resources
from cluster_ports import Address, forwarded
from cluster_tools import documents, run
from cluster_waits import until

pytestmark = pytest.mark.cluster

MANIFESTS = Path(__file__).parents[2] / "manifests"
INITIALIZER = "storage-initializer"


def local(container, **variables):
    """Change what the manifest tells its reader to change: image, registry, names, and how much it asks for."""
    target = container["image"].rpartition("twinpin-")[2].partition(":")[0]
    known = {each["name"]: each for each in container["env"]}
    for name, value in variables.items():
        assert name in known, f"the manifest has no {name}"
        known[name]["value"] = value
    limits = {**container["resources"]["limits"], "cpu": "2"}
    container |= {
        "image": image(target),
        "resources": {"requests": {"cpu": "20m", "memory": "384Mi"}, "limits": limits},
    }


def test_one_manifest_alone_serves_a_model(world, namespace, questions):
    """`kubectl apply` of manifests/single/predict.yaml: Ready, and the forecast is that of the pair's model."""
    (manifest,) = yaml.safe_load_all((MANIFESTS / "single" / "predict.yaml").read_text())
    pair = world.pairs["B"]
    spec = manifest["spec"]["predictor"]
    with world.registrar() as registrar:
        registrar.promote(pair)
    local(
        spec["initContainers"][0],
        TWINPIN_REGISTRY_URI=world.registry_uri,
        TWINPIN_PREPROCESSOR_NAME=pair.names.preprocessor,
        TWINPIN_MODEL_NAME=pair.names.model,
        TWINPIN_ALIAS=pair.names.alias,
    )
    local(spec["containers"][0])
    namespace.apply(manifest)
    namespace.await_rollout("predict-predictor")
    matrix = pair.pipeline.transform(questions.row(1)).to_numpy(dtype=float)

    with forwarded(namespace, "svc/predict-predictor", 80, 8081) as (http, grpc):
        address = Address("127.0.0.1", http, grpc)
        asked = {"inputs": questions.tensors({"matrix": matrix})}
        document = questions.post(address, "/v2/models/predict/infer", asked)
    questions.assert_near(questions.forecast_of(document), pair.regressor.predict(matrix))


@pytest.fixture(scope="module")
def storage(world):
    """mlflow:// for the cluster, by the manifest, with the address of this MLflow."""
    (manifest,) = yaml.safe_load_all((MANIFESTS / "storage" / "mlflow.yaml").read_text())
    local(manifest["spec"]["container"], MLFLOW_TRACKING_URI=world.registry_uri)
    run("kubectl", "apply", "-f", "-", stdin=documents(manifest))
    yield manifest
    run("kubectl", "delete", "clusterstoragecontainer", manifest["metadata"]["name"])


def stock(name, uri):
    """An InferenceService of somebody who knows nothing of ours: a server of files, with a storageUri."""
    container = {
        "name": "kserve-container",
        "image": image("gateway"),
        "command": ["python", "-m", "http.server", "8080", "--directory", "/mnt/models"],
        "env": [{"name": "STORAGE_URI", "value": uri}],
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "securityContext": copy.deepcopy(CONTAINER),
        "resources": resources("20m", "64Mi"),
    }
    container["resources"]["limits"]["cpu"] = "1"
    annotations = {
        "serving.kserve.io/deploymentMode": "Standard",
        "serving.kserve.io/autoscalerClass": "none",
    }
    spec = pod_spec(container)
    spec["containers"][0]["name"] = "kserve-container"
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {"predictor": {"minReplicas": 1, "maxReplicas": 1, **spec}},
    }


def test_mlflow_uris_download_one_half_of_a_checked_pair(world, namespace, storage, questions):
    """KServe's initializer is ours: the files are those that were registered, and a record says which pair."""
    pair = world.pairs["B"]
    names = pair.names
    uri = f"mlflow://{names.model}/{pair.versions[1]}?pair={names.preprocessor}/{pair.versions[0]}"
    namespace.apply(stock("from-mlflow", uri))
    namespace.await_rollout("from-mlflow-predictor")
    original = world.folder / f"{names.model}-{'ABC'.index('B')}" / "model"

    with forwarded(namespace, "svc/from-mlflow-predictor", 80) as (port,):
        address = Address("127.0.0.1", port, 0)
        record = yaml.safe_load(questions.client.send(address, "GET", "/twinpin.yaml").body)
        for file in original.rglob("*"):
            if file.is_file():
                found = questions.client.send(address, "GET", f"/{file.relative_to(original)}")
                assert found.body == file.read_bytes(), file.name
    assert f"{record['pair']}-" == pair.label
    assert record["version"] == pair.versions[1]


def test_mlflow_uris_of_two_pairs_are_refused_in_words(world, namespace, storage):
    """The pod stays in Init, and `kubectl describe` says which halves do not belong together."""
    names = world.pairs["A"].names
    uri = f"mlflow://{names.model}/{world.pairs['B'].versions[1]}?pair={names.preprocessor}/{world.pairs['A'].versions[0]}"
    namespace.apply(stock("wrong-pair", uri))
    pods = until("its pod", lambda: namespace.pods("wrong-pair-predictor"), 60)
    name = pods[0]["metadata"]["name"]

    def told():
        described = " ".join(namespace.kubectl("describe", "pod", name).split())
        return "belong together" in described and described

    described = until("the reason", told, 120)

    assert names.model in described
    assert "Init:" in namespace.kubectl("get", "pod", name)
