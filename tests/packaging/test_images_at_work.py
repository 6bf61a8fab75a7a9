"""Every image does its work as a stranger in a read-only root, as a cluster runs it."""

import os
import re
import shutil
import subprocess

import feature_repos
import httpx
import numpy as np
import pair_folders
import pandas as pd
import pytest
from containers import STRANGER, inspect, name_of, run, serving, why_no_docker
from dockerfiles import ROOT
from mlflow_server import MlflowServer
from pairs import FITTING, Pairs
from sklearn.pipeline import Pipeline

from twinpin.pair.pin import Pin

pytestmark = [pytest.mark.images, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def image():
    """The name of a target's image, which must be built."""
    if reason := why_no_docker():
        pytest.skip(reason)

    def find(target):
        if inspect(name_of(target)) is None:
            pytest.skip(f"{name_of(target)} is not built: run hack/images {target}")
        return name_of(target)

    return find


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A pair folder as `twinpin resolve` leaves it."""
    return pair_folders.lag_pair(tmp_path_factory.mktemp("pair") / "pair")


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A Feast repository on SQLite, which any user may read and write."""
    folder = tmp_path_factory.mktemp("feast") / "repo"
    repo = feature_repos.window_repo(folder)
    feature_repos.fill_windows(repo)
    folder.chmod(0o777)
    for file in folder.rglob("*"):
        file.chmod(0o777 if file.is_dir() else 0o666)
    return folder


@pytest.fixture(scope="module")
def data():
    """Three rows as a client has them: column by column, null where there is no value."""
    frame = pair_folders.lag_rows(3, seed=9)
    return {name: [None if np.isnan(each) else each for each in frame[name]] for name in frame}


@pytest.fixture(scope="module")
def expected(pair, data):
    """The same by MLflow alone."""
    preprocessor = pair_folders.mlflow.sklearn.load_model(str(pair / "preprocessor"))
    assert isinstance(preprocessor, Pipeline)
    matrix = preprocessor.transform(pd.DataFrame(data).astype(float))
    columns = preprocessor.get_feature_names_out()
    return pair_folders.mlflow.pyfunc.load_model(str(pair / "model")).predict(pd.DataFrame(matrix, columns=columns))


def mount(folder, at, mode="ro"):
    """The option of `docker run` that shows a folder of the host."""
    return ["--volume", f"{folder}:{at}:{mode}"]


def test_preprocess_and_predict_forecast_from_a_pair_that_they_cannot_change(image, pair, data, expected):
    """The pair is mounted read-only, as an init container hands it over; the two images are chained by hand."""
    options = mount(pair, "/mnt/pair")
    with (
        serving(image("preprocess"), "/v2/models/preprocess/ready", options=options) as preprocess,
        serving(image("predict"), "/v2/models/predict/ready", options=options) as predict,
    ):
        middle = httpx.post(f"{preprocess.url}/v2/models/preprocess/infer?answer=request", json={"data": data})
        last = httpx.post(f"{predict.url}/v2/models/predict/infer", content=middle.content)

    assert (middle.status_code, last.status_code) == (200, 200), middle.text + last.text
    (output,) = last.json()["outputs"]
    np.testing.assert_allclose(np.array(output["data"]).reshape(output["shape"]), expected, atol=1e-5)


def test_features_reads_a_repository(image, repository):
    """Feast, pyarrow and the registry file need no writable home."""
    settings = ["--env", "TWINPIN_FEATURE_REPO=/etc/feast", "--env", "TWINPIN_FEATURE_SERVICE=forecast_features"]
    options = [*mount(repository, "/etc/feast", "rw"), *settings]
    with serving(image("features"), "/v2/models/features/ready", options=options) as features:
        answer = httpx.post(f"{features.url}/v2/models/features/infer", json={"entities": [1]})

    assert answer.status_code == 200, answer.text
    assert {output["name"] for output in answer.json()["outputs"]} >= {"temp", "humid", "pressure"}


def test_resolve_lays_a_pair_from_a_real_registry(image, tmp_path):
    """Slim MLflow downloads through the server; the Pin and both trees lie where the steps will look."""
    out = tmp_path / "pair"
    out.mkdir()
    out.chmod(0o777)
    server = MlflowServer(tmp_path / "server").start()
    try:
        preprocessor, model, _ = Pairs(server.uri, tmp_path / "trees").pair(declared=FITTING, alias="production")
        options = [*mount(out, "/mnt/pair", "rw"), "--network", "host", "--env", f"TWINPIN_REGISTRY_URI={server.uri}"]
        done = run(image("resolve"), user=STRANGER, options=options)
    finally:
        server.stop()

    assert done.returncode == 0, done.stderr
    pin = Pin.model_validate_json((out / "pin.json").read_text())
    assert (pin.preprocessor.version, pin.model.version) == (preprocessor, model)
    assert (out / "preprocessor" / "MLmodel").exists()
    assert (out / "model" / "MLmodel").exists()


def test_serve_forecasts_in_one_process_and_ends_when_asked(image, pair, data, expected, tmp_path):
    """The collapsed topology, on the pair that its init container laid; SIGTERM reaches Python, not a shell."""
    laid = shutil.copytree(pair, tmp_path / "pair")
    with serving(image("serve"), "/v2/health/ready", options=mount(laid, "/mnt/pair")) as serve:
        answer = httpx.post(f"{serve.url}/predict", json={"data": data})
        status = serve.stop()

    assert answer.status_code == 200, answer.text
    np.testing.assert_allclose(answer.json()["prediction"], expected, atol=1e-5)
    assert status == 0, serve.logs()


def test_the_gateway_lives_before_its_graph_does(image):
    """It is alive, says that it cannot serve, and needs nothing but an address."""
    options = ["--env", "TWINPIN_GRAPH_URL=http://127.0.0.1:9"]
    with serving(image("gateway"), "/v2/health/live", options=options) as gateway:
        health = httpx.get(f"{gateway.url}/health")

    assert health.status_code == 503


def test_the_page_tells_how_to_add_a_package(image, tmp_path):
    """The Dockerfile of docs/images.md, as it stands there, adds one package and changes nothing else."""
    build_image = os.environ.get("BUILD_IMAGE", "twinpin-local/python-build:3.11")
    if inspect(build_image) is None:
        pytest.skip(f"no image {build_image} to build in: set BUILD_IMAGE as for hack/images, and pull it")
    base, derived = image("preprocess"), "twinpin-test-extended:latest"
    (text,) = re.findall(
        r"^```dockerfile\n(.*?)^```", (ROOT / "docs" / "images.md").read_text(), re.MULTILINE | re.DOTALL
    )
    (tmp_path / "Dockerfile").write_text(text.replace("twinpin-preprocess:0.1.0", base))
    words = ["docker", "build", "--build-arg", f"BUILD_IMAGE={build_image}", "--tag", derived, str(tmp_path)]
    plain = os.environ | {"DOCKER_BUILDKIT": "0"}  # so that a Docker without buildx builds it too
    try:
        subprocess.run(words, check=True, capture_output=True, env=plain)
        versions = [packages(name) for name in (base, derived)]
    finally:
        subprocess.run(["docker", "rmi", "--force", derived], check=False, capture_output=True)

    assert {name for name, _ in versions[1] - versions[0]} == {"holidays"}
    assert versions[0] <= versions[1]


def packages(image):
    """Name and version of everything that the image's Python finds."""
    code = (
        "from importlib.metadata import distributions as d; print(*{f'{e.name} {e.version}' for e in d()}, sep='\\n')"
    )
    done = run(image, "-c", code, options=["--entrypoint", "python", "--network", "none"])
    return {tuple(line.split()) for line in done.stdout.splitlines()}
