"""The commands: facts a line or one JSON document, and an exit code that a script can act on."""

import json
import signal

import pytest
from click.testing import CliRunner
from pairs import PREPROCESSOR

from twinpin.cli import main
from twinpin.pair.errors import NotYet, PairError, Refused


@pytest.fixture
def twinpin(pairs, tmp_path):
    """Run the command line on this registry."""
    before = signal.getsignal(signal.SIGTERM)
    environment = {
        "TWINPIN_REGISTRY_URI": pairs.uri,
        "TWINPIN_PAIR_DIR": str(tmp_path / "pair"),
        "TWINPIN_RESOLVE_DEADLINE": "0",
    }
    yield lambda *arguments: CliRunner(env=environment).invoke(main, arguments)
    signal.signal(signal.SIGTERM, before)


def test_promote_resolve_status_and_rollback_go_by_settings_alone(twinpin, pairs):
    """The whole life of two pairs, as a script sees it."""
    first, second = pairs.pair(), pairs.pair(tag="spring")
    done = [
        twinpin("promote", "--run", first[2], "--json"),
        twinpin("resolve", "--json"),
        twinpin("promote", "--pair", "spring", "--json"),
        twinpin("status", "--json"),
        twinpin("rollback", "--json"),
        twinpin("promote", "--preprocessor-version", second[0], "--model-version", second[1], "--json"),
        twinpin("rollback", "--to", "p1-m1", "--json"),
    ]
    documents = [json.loads(each.stdout) for each in done]

    assert [each.exit_code for each in done] == [0] * len(done)
    assert documents[0]["to"] == {"preprocessor": first[0], "model": first[1]}
    assert documents[1]["id"].startswith("p1-m1-")
    assert documents[3]["preprocessor"] == {"name": PREPROCESSOR, "version": second[0]}
    assert documents[3]["pin"]["id"] == documents[1]["id"]
    assert documents[4]["to"] == documents[6]["to"] == documents[0]["to"]


def test_a_person_reads_lines(twinpin, pairs):
    """One fact a line."""
    run = pairs.pair()[2]
    promoted, again = twinpin("promote", "--run", run), twinpin("promote", "--run", run)
    resolved, seen = twinpin("resolve"), twinpin("status")

    assert promoted.stdout == "production: none -> p1-m1 (run)\n"
    assert again.stdout == "production is on p1-m1 already (run)\n"
    assert resolved.stdout.startswith("pair:         p1-m1-")
    assert "evidence:     run\n" in seen.stdout


def test_a_refusal_exits_with_3_and_tells_the_mending_command(twinpin, pairs):
    """On standard error for a person, in the document for a script."""
    pairs.pair()
    told, document = twinpin("resolve"), twinpin("resolve", "--json")

    assert told.exit_code == document.exit_code == 3
    assert "mend:  twinpin promote --run RUN_ID" in told.stderr
    assert json.loads(document.stdout) == {
        "error": json.loads(document.stdout)["error"],
        "mend": "twinpin promote --run RUN_ID",
        "temporary": False,
        "exit_code": 3,
    }


def test_what_is_temporary_exits_with_4(twinpin, pairs):
    """An init container is simply started again."""
    pairs.pair(alias="production")
    preprocessor, _, _ = pairs.pair()
    pairs.alias("production", preprocessor, None)
    result = twinpin("resolve", "--json")

    assert result.exit_code == 4
    assert json.loads(result.stdout)["temporary"] is True
    assert twinpin("status").exit_code == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ["promote"],
        ["promote", "--model-version", "1"],
        ["promote", "--run", "a", "--pair", "b"],
        ["promote", "--repair", "--run", "a"],
        ["resolve", "--no-such-flag"],
        ["resolve", "--resolve-deadline", "soon"],
        ["resolve", "--pins-dir", "/pins", "--pins-configmap", "pins"],
    ],
)
def test_a_wrong_flag_exits_with_2(twinpin, arguments):
    """Before anything is asked of the registry."""
    assert twinpin(*arguments).exit_code == 2


def test_a_registry_that_was_never_named_is_refused(tmp_path, monkeypatch):
    """MLflow would make an empty database in the working directory, and find nothing in it."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["resolve", "--pair-dir", str(tmp_path / "pair"), "--resolve-deadline", "0"])

    assert result.exit_code == 3
    assert "MLFLOW_TRACKING_URI" in result.stderr
    assert not (tmp_path / "mlflow.db").exists()


def test_mlflows_own_variables_say_where_the_registry_is(pairs, tmp_path, monkeypatch):
    """Who uses MLflow has them set already."""
    pairs.pair(alias="production")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", pairs.uri)
    result = CliRunner().invoke(main, ["resolve", "--pair-dir", str(tmp_path / "pair"), "--json"])

    assert result.exit_code == 0
    assert json.loads(result.stdout)["id"].startswith("p1-m1-")


def test_every_error_has_one_of_the_documented_exit_codes():
    """5 for what is neither refused nor temporary, so that no new error passes for a defect."""

    def below(error):
        return {error, *(deeper for each in error.__subclasses__() for deeper in below(each))}

    assert {error.exit_code for error in below(Refused)} == {3}
    assert {error.exit_code for error in below(NotYet)} == {4}
    assert PairError.exit_code == 5
