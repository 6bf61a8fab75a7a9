"""MLflow over HTTP: what it answers, and which of its errors are worth another try."""

import base64
import dataclasses
import json

import pytest
from mlflow_server import Gate, MlflowServer, free_port
from pairs import MODEL, PREPROCESSOR, TAG, Pairs

from twinpin.pair import tree
from twinpin.pair.apart import RegistryApart
from twinpin.pair.errors import Denied, Refused, UnknownName, Unreachable
from twinpin.pair.folder import PairFolder
from twinpin.pair.registry import MlflowRegistry
from twinpin.pair.resolve import resolve
from twinpin.pair.settings import Settings


@pytest.fixture(params=[MlflowRegistry, RegistryApart])
def registry(server, request):
    """The registry as Twinpin sees it, in this process and through another."""
    registry = request.param(server.uri)
    yield registry
    if isinstance(registry, RegistryApart):
        registry.close()


def port(settings):
    """The port of the server behind these settings."""
    return int(settings.registry_uri.rsplit(":", 1)[1])


def test_a_version_is_told_in_full(registry, pairs, alias):
    """Texts, whatever the store calls them."""
    preprocessor, model, run = pairs.pair(tag="spring", alias=alias)
    found = registry.aliased(MODEL, alias)

    assert found == registry.version(MODEL, model)
    assert (found.name, found.version, found.run_id, found.status) == (MODEL, model, run, "READY")
    assert found.tags == {TAG: "spring"}
    assert registry.search(PREPROCESSOR, run_id=run) == [registry.version(PREPROCESSOR, preprocessor)]


def test_a_logged_model_is_known_by_its_id_and_by_who_took_it(registry, pairs):
    """MLflow 3's lineage, as its server tells it."""
    version, model_id = pairs.logged_preprocessor()
    run = pairs.run()
    pairs.log_input(run, model_id)

    assert registry.version(PREPROCESSOR, version).model_id == model_id
    assert registry.run_inputs(run) == {model_id}


def test_the_artifacts_come_as_they_were_logged(registry, pairs, tmp_path):
    """Nothing is added to them, whichever way they were logged, so that one digest holds everywhere."""
    plain, _, _ = pairs.pair()
    logged, _ = pairs.logged_preprocessor()
    for number, version in enumerate((plain, logged)):
        found = registry.version(PREPROCESSOR, version)
        registry.download(found, tmp_path / str(number))
        names = sorted(
            path.relative_to(tmp_path / str(number)).as_posix() for path in (tmp_path).glob(f"{number}/**/*")
        )

        assert names == ["MLmodel", "data", "data/weights.bin"]
        assert registry.mlmodel(found, tmp_path)["flavors"]["python_function"]


def test_the_unknown_is_told_apart(registry, pairs, alias):
    """No model, no version, no run and no alias are four answers, and none of them is worth waiting for."""
    pairs.pair()

    assert registry.aliased(MODEL, alias) is None
    for ask in (
        lambda: registry.aliased("nope", alias),
        lambda: registry.version(MODEL, "9999"),
        lambda: registry.run_inputs("0" * 32),
        lambda: registry.tags("nope"),
    ):
        with pytest.raises(UnknownName):
            ask()


def test_tags_of_a_registered_model_come_and_go(registry, pairs, alias):
    """The lease and the record are kept there."""
    pairs.pair()
    registry.set_tag(MODEL, alias, "x")
    there = registry.tags(MODEL).get(alias)
    registry.set_tag(MODEL, alias, None)

    assert there == "x"
    assert alias not in registry.tags(MODEL)


def test_an_alias_that_is_not_there_can_be_taken_away(registry, pairs, alias):
    """The undo of a first promotion must not fail because the first write did."""
    pairs.pair()
    registry.set_alias(MODEL, alias, None)

    assert registry.aliased(MODEL, alias) is None


def test_a_server_that_is_not_there_is_temporary():
    """And the message says what could not be done."""
    with pytest.raises(Unreachable, match="Could not read the alias 'x' of y"):
        MlflowRegistry(f"http://127.0.0.1:{free_port()}").aliased("y", "x")


def test_a_server_that_is_no_mlflow_is_not(server):
    """A wrong path stays wrong."""
    with pytest.raises(Refused):
        MlflowRegistry(f"{server.uri}/elsewhere").aliased("y", "x")


@pytest.mark.parametrize(
    ("variables", "header"),
    [
        (
            {"MLFLOW_TRACKING_USERNAME": "ann", "MLFLOW_TRACKING_PASSWORD": "pass"},
            f"Basic {base64.b64encode(b'ann:pass').decode()}",
        ),
        ({"MLFLOW_TRACKING_TOKEN": "token"}, "Bearer token"),
    ],
)
def test_mlflows_credentials_are_used_for_everything(pairs, settings, monkeypatch, variables, header):
    """The registry, the run and the artifacts; without them the answer is a refusal that names the variables."""
    pairs.pair(alias=settings.alias)
    with Gate(port(settings), require=header) as gate:
        guarded = dataclasses.replace(settings, registry_uri=gate.uri)
        with pytest.raises(Denied, match="MLFLOW_TRACKING_TOKEN"):
            resolve(guarded)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

        assert PairFolder(settings.pair_dir).read() is None
        assert resolve(guarded).rollout == "r1"


def test_a_download_that_breaks_off_is_not_a_pair(server, pairs, settings):
    """Half a file is temporary; nothing of it is served, and the next try gets all."""
    pairs.pair(alias=settings.alias)
    with Gate(server.port, cut=lambda path: path.endswith("weights.bin")) as gate:
        cut = dataclasses.replace(settings, registry_uri=gate.uri)
        with pytest.raises(Unreachable, match="download"):
            resolve(cut)

        assert gate.cuts > 0
        assert PairFolder(settings.pair_dir).read() is None
        gate.cut = lambda path: path.endswith("weights.bin") and gate.cuts < 6
        patient = dataclasses.replace(cut, resolve_deadline=60.0)
        pin = resolve(patient)

    assert PairFolder(settings.pair_dir).verified() == pin


@pytest.mark.timeout(400)  # two starts of a server, each a minute on a busy machine
def test_a_server_that_dies_and_comes_back_is_waited_for(tmp_path):
    """The pod that was starting goes on; those that have the cache never noticed."""
    own = MlflowServer(tmp_path / "own").start()
    try:
        Pairs(own.uri, tmp_path).pair(alias="production")
        first = Settings(
            registry_uri=own.uri,
            pair_dir=tmp_path / "first",
            pins_dir=tmp_path / "pins",
            cache_dir=tmp_path / "cache",
            resolve_deadline=2.0,
        )
        pin = resolve(first)
        own.stop()
        cached = resolve(dataclasses.replace(first, pair_dir=tmp_path / "second"))
        with pytest.raises(Unreachable, match="Gave up"):
            resolve(dataclasses.replace(first, rollout="r2", pair_dir=tmp_path / "third"))
        own.start()
        after = resolve(dataclasses.replace(first, rollout="r2", pair_dir=tmp_path / "third", resolve_deadline=30.0))
    finally:
        own.stop()

    assert cached == pin
    assert after.id == pin.id
    assert json.loads((tmp_path / "third" / "pin.json").read_text())["rollout"] == "r2"
    assert tree.digest(tmp_path / "second" / "model") == pin.model.digest
