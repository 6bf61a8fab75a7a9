"""The commands, up to where they need a cluster."""

import datetime as dt

import pytest
from click.testing import CliRunner

from twinpin.rollout import commands
from twinpin.rollout.commands import _line
from twinpin.rollout.resource import Period

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize("name", ["controller", "rollout", "canary", "history"])
def test_without_a_cluster_a_command_says_how_to_name_one(name, monkeypatch, tmp_path):
    """One sentence and the exit code of what may go away by itself."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    done = CliRunner().invoke(getattr(commands, name), [])

    assert done.exit_code == commands.TEMPORARY
    assert "let KUBECONFIG name a file that holds a context" in done.output
    assert "Traceback" not in done.output


def test_a_line_of_the_history_says_who_and_why():
    """Times, pair, outcome, mover and reason."""
    failed = Period(
        pair="p2-m2-bbbbbb",
        start=START,
        end=START + dt.timedelta(minutes=1),
        moved_by="ann",
        outcome="Rejected",
        reason="NeverReady: 0 of 1",
    )

    words = " ".join(_line(failed).split())

    assert words == "2026-01-01 00:00:00 .. 2026-01-01 00:01:00 p2-m2-bbbbbb Rejected by ann NeverReady: 0 of 1"
    assert _line(Period(pair="p1", start=START, outcome="Serving")).endswith("Serving")
