"""`twinpin storage` lays one half of a pair where KServe wants it, after a look at the other."""

import json
import signal

import pytest
import yaml
from click.testing import CliRunner
from pairs import FITTING, MODEL, PREPROCESSOR, columns, signature

from twinpin.cli import main
from twinpin.pair import tree


@pytest.fixture
def storage(pairs):
    """Run the command on this registry."""
    before = signal.getsignal(signal.SIGTERM)
    environment = {"MLFLOW_TRACKING_URI": pairs.uri, "TWINPIN_RESOLVE_DEADLINE": "0"}
    yield lambda *arguments: CliRunner(env=environment).invoke(main, ["storage", *map(str, arguments)])
    signal.signal(signal.SIGTERM, before)


def weights(folder):
    """Read what tells one version from another."""
    return (folder / "data" / "weights.bin").read_text()


@pytest.mark.parametrize(
    ("uri", "role"),
    [
        (f"mlflow://{PREPROCESSOR}@production?pair={MODEL}", "preprocessor"),
        (f"mlflow://{MODEL}@production?pair={PREPROCESSOR}", "model"),
        (f"mlflow://{PREPROCESSOR}/1?pair={MODEL}/1", "preprocessor"),
        (f"mlflow://{MODEL}/1?pair={PREPROCESSOR}/1", "model"),
        (f"mlflow://{MODEL}/1?pair={PREPROCESSOR}/1&role=model", "model"),
    ],
)
def test_one_half_is_laid_with_a_record_of_it(storage, pairs, tmp_path, uri, role):
    """The artifact as it was logged; which half it is, its flavour says."""
    pairs.pair(alias="production")
    done = storage(uri, tmp_path / "models", "--json")
    laid = json.loads(done.stdout)["laid"][0]
    record = yaml.safe_load((tmp_path / "models" / "twinpin.yaml").read_text())

    assert done.exit_code == 0, done.stderr
    assert laid["role"] == role
    assert weights(tmp_path / "models").startswith(MODEL if role == "model" else PREPROCESSOR)
    assert record == {**{key: laid[key] for key in laid if key != "path"}, "entries": ["MLmodel", "data"]}
    assert (record["version"], record["pair"], record["evidence"]) == ("1", "p1-m1", "run")
    (tmp_path / "models" / "twinpin.yaml").unlink()
    assert tree.digest(tmp_path / "models") == record["digest"]


def test_a_mount_point_is_filled_and_filled_anew(storage, pairs, tmp_path):
    """A volume cannot be renamed; a container that starts again leaves nothing of the version before, and no more."""
    pairs.pair(alias="production")
    models = tmp_path / "models"
    (models / "lost+found").mkdir(parents=True)
    (models / ".twinpin-killed").mkdir()
    uri = f"mlflow://{MODEL}@production?pair={PREPROCESSOR}"
    inode = models.stat().st_ino
    storage(uri, models)
    (models / "data" / "left.bin").touch()
    pairs.pair(alias="production")
    done = storage(uri, models)

    assert done.exit_code == 0, done.stderr
    assert "xgboost_model 2, model of p2-m2 (run)" in done.stdout
    assert models.stat().st_ino == inode
    assert sorted(path.name for path in models.iterdir()) == ["MLmodel", "data", "lost+found", "twinpin.yaml"]
    assert [path.name for path in (models / "data").iterdir()] == ["weights.bin"]


def test_an_entry_that_the_new_version_lacks_is_taken_away(storage, pairs, tmp_path):
    """Or a server would find two models; what somebody else put there stays."""
    pairs.pair(alias="production")
    models = tmp_path / "models"
    models.mkdir()
    (models / "old.ubj").touch()
    (models / "mine").touch()
    (models / "twinpin.yaml").write_text(yaml.safe_dump({"entries": ["old.ubj", "../models"]}))
    storage(f"mlflow://{MODEL}@production?pair={PREPROCESSOR}", models)

    assert sorted(path.name for path in models.iterdir()) == ["MLmodel", "data", "mine", "twinpin.yaml"]


def test_both_halves_of_one_call_come_from_one_look(storage, pairs, tmp_path, monkeypatch):
    """A promotion between the two must not split them."""
    pairs.pair(alias="production")
    other = pairs.pair()
    halves = [f"mlflow://{PREPROCESSOR}@production?pair={MODEL}", f"mlflow://{MODEL}@production?pair={PREPROCESSOR}"]
    installed = tree.write

    def promoted(path, text):
        installed(path, text)
        pairs.alias("production", *other[:2])

    monkeypatch.setattr(tree, "write", promoted)
    done = storage(halves[0], tmp_path / "a", halves[1], tmp_path / "b", "--json")

    assert [each["version"] for each in json.loads(done.stdout)["laid"]] == ["1", "1"]
    assert weights(tmp_path / "b").startswith("xgboost_model 2")


def test_what_is_no_pair_is_not_laid(storage, pairs, tmp_path):
    """By alias it may be on its way (4), by version it never will be (3)."""
    pairs.pair(alias="production")
    pairs.alias("production", pairs.pair()[0], None)
    moving = storage(f"mlflow://{MODEL}@production?pair={PREPROCESSOR}", tmp_path / "a")
    wrong = storage(f"mlflow://{MODEL}/1?pair={PREPROCESSOR}/2", tmp_path / "b")
    bare = storage(f"mlflow://{MODEL}@nobody?pair={PREPROCESSOR}", tmp_path / "c")

    assert (moving.exit_code, wrong.exit_code, bare.exit_code) == (4, 3, 3)
    assert "halves of two pairs (p2-m1)" in moving.stderr
    assert "Nothing says that" in wrong.stderr
    assert "Neither" in bare.stderr
    assert not [path for folder in "abc" for path in (tmp_path / folder).iterdir()]


def test_halves_that_do_not_fit_are_refused_before_the_download(storage, pairs, tmp_path):
    """As a resolver would; the roles say whose output is whose input."""
    pairs.pair(alias="production", declared=(FITTING[0], signature(columns("other"), None)))
    done = storage(f"mlflow://{MODEL}@production?pair={PREPROCESSOR}", tmp_path / "models")

    assert done.exit_code == 3
    assert "does not give other" in done.stderr


def test_where_the_artifacts_do_not_say_which_is_which_the_uri_must(storage, pairs, tmp_path):
    """Two pyfuncs look alike."""
    run = pairs.run()
    for name in ("first", "second"):
        pairs.version(name, run)
    silent = storage("mlflow://first/1?pair=second/1", tmp_path / "models")
    told = storage("mlflow://first/1?pair=second/1&role=preprocessor", tmp_path / "models")

    assert silent.exit_code == 3
    assert "Neither of first 1 and second 1 is an XGBoost model" in silent.stderr
    assert told.exit_code == 0
    assert "first 1, preprocessor of p1-m1" in told.stdout


@pytest.mark.parametrize(
    "arguments", [["mlflow://p@a?pair=m"], ["s3://bucket", "/mnt/models"], ["mlflow://p@a", "/mnt/models"], []]
)
def test_wrong_arguments_exit_with_2(storage, arguments):
    """Before anything is asked of the registry."""
    assert storage(*arguments).exit_code == 2


def test_a_folder_that_cannot_be_written_is_named(storage, pairs, tmp_path):
    """The mount is wrong, and the registry is not."""
    pairs.pair(alias="production")
    (tmp_path / "file").touch()
    done = storage(f"mlflow://{MODEL}@production?pair={PREPROCESSOR}", tmp_path / "file")

    assert done.exit_code == 5
    assert f"{MODEL}@production cannot be laid in {tmp_path / 'file'}" in done.stderr
