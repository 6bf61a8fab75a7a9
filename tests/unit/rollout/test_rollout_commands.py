"""The commands, up to where they need a cluster."""

import datetime as dt
import json

import click
import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from pairs import Pairs

from twinpin.cli import main
from twinpin.pair.promote import Promoter
from twinpin.pair.registry import MlflowRegistry
from twinpin.pair.settings import Settings
from twinpin.pair.version import Versions
from twinpin.rollout.asking import TEMPORARY
from twinpin.rollout.commands import wish
from twinpin.rollout.resource import Period
from twinpin.rollout.table import periods

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:(mlflow|pydantic|sqlalchemy|alembic).*")

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No cluster is named."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


@pytest.fixture
def moved(tmp_path):
    """A registry in which ann promoted one pair, and then another; gives its URI."""
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    MlflowClient(tracking_uri=uri, registry_uri=uri).search_registered_models()
    pairs = Pairs(uri, tmp_path / "trees")
    promoter = Promoter(Settings(registry_uri=uri, promoter="ann"), MlflowRegistry(uri))
    for _ in range(2):
        promoter.promote(Versions(*pairs.pair()[:2]))
    return uri


@pytest.mark.parametrize("words", [["controller"], ["rollout"], ["canary", "--promote"]])
def test_without_a_cluster_a_command_says_how_to_name_one(words, nowhere):
    """One sentence and the exit code of what may go away by itself."""
    done = CliRunner().invoke(main, words)

    assert done.exit_code == TEMPORARY
    assert "let KUBECONFIG name a file that holds a context" in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ((10, None), {"percent": 10}),
        ((20, True), {"percent": 20, "abort": {}}),
        ((20, True, 1.5), {"percent": 20, "abort": {"drift": 1.5}}),
        ((20, True, None, 0.0), {"percent": 20, "abort": {"missing": 0.0}}),
        ((20, False), {"percent": 20, "abort": None}),
        ((None, None), None),
    ],
)
def test_a_share_keeps_the_limits_that_somebody_set(words, change):
    """What is not said is not changed, and an empty object gets the usual limits from the schema."""
    assert wish(*words) == change


@pytest.mark.parametrize("words", [(10, None), (10, False), (None, None)])
@pytest.mark.parametrize("limits", [(1.5, None), (None, 0.0)])
def test_a_limit_without_a_verdict_is_refused(words, limits):
    """It would be forgotten in silence."""
    with pytest.raises(click.UsageError, match="go with --auto-abort"):
        wish(*words, *limits)


@pytest.mark.parametrize("words", [[], ["--registry"]])
def test_without_a_cluster_the_history_is_that_of_the_registry(words, nowhere, moved):
    """The pair in the first column is what `twinpin rollback --to` takes."""
    told = CliRunner().invoke(main, ["history", "--registry-uri", moved, *words])
    document = CliRunner().invoke(main, ["history", "--registry-uri", moved, *words, "--json"])
    back = CliRunner().invoke(
        main, ["rollback", "--registry-uri", moved, "--to", told.stdout.splitlines()[2].split()[0]]
    )

    assert told.exit_code == 0
    assert [line.split()[:2] for line in told.stdout.splitlines()] == [
        ["PAIR", "BEFORE"],
        ["p2-m2", "p1-m1"],
        ["p1-m1", "none"],
    ]
    assert ("let KUBECONFIG name a file" in told.stderr) is not bool(words)
    assert [each["owner"] for each in json.loads(document.stdout)["moves"]] == ["ann", "ann"]
    assert back.stdout == "production: p2-m2 -> p1-m1 (run)\n"


def test_the_history_says_who_and_why():
    """Times, pair, outcome, mover and reason."""
    failed = Period(
        pair="p2-m2-bbbbbb",
        start=START,
        end=START + dt.timedelta(minutes=1),
        moved_by="ann",
        outcome="Rejected",
        reason="NeverReady: 0 of 1",
    )

    serving = Period(pair="p1-m1-aaaaaa", start=START, outcome="Serving")

    head, first, second = periods([serving, failed])

    assert head.split() == ["PAIR", "FROM", "(UTC)", "TO", "(UTC)", "MOVED", "BY", "OUTCOME"]
    assert first.split() == ["p1-m1-aaaaaa", "2026-01-01", "00:00:00", "now", "-", "Serving"]
    assert second.endswith("ann       Rejected: NeverReady: 0 of 1")
    assert second.index("ann") == head.index("MOVED BY")
