"""A registry that another process asks: errors come back as they are, and an end by itself is an outage."""

import pickle
import subprocess
import sys

import pytest

from twinpin.pair import apart
from twinpin.pair.apart import RegistryApart
from twinpin.pair.errors import Refused, Unreachable


@pytest.fixture
def registry(monkeypatch):
    """A registry of which nobody said where it is."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)
    registry = RegistryApart()
    yield registry
    registry.close()


def test_an_error_is_raised_where_the_question_was_asked(registry):
    """With its sentence and its exit code; the next question goes to the same process."""
    for _ in range(2):
        with pytest.raises(Refused, match="No registry is set") as refused:
            registry.aliased("model", "production")

        assert refused.value.exit_code == 3


def test_a_process_that_ends_by_itself_is_an_outage(registry, monkeypatch):
    """As one that is out of memory: asking again starts another."""
    with monkeypatch.context() as broken:
        broken.setattr(apart, "PROGRAM", "raise SystemExit(1)")
        with pytest.raises(Unreachable, match="ended by itself"):
            registry.tags("model")

    with pytest.raises(Refused, match="No registry is set"):
        registry.tags("model")


def test_what_is_printed_meanwhile_is_no_answer():
    """Libraries print."""
    code = (
        "import pickle, sys, twinpin.pair.apart as apart\n"
        "class Chatty:\n"
        "    def __init__(self, *uris): print(uris)\n"
        "    def tags(self, name): print(name); return {}\n"
        "apart.MlflowRegistry = Chatty\n"
        "apart.answer()\n"
    )
    asked = pickle.dumps((None, None)) + pickle.dumps(("tags", ("model",), {}))
    done = subprocess.run([sys.executable, "-c", code], input=asked, capture_output=True, check=True)

    assert pickle.loads(done.stdout) == ({}, None)
    assert b"model" in done.stderr


def test_its_process_ends_when_nobody_asks_any_more(registry):
    """It reads to the end of the questions, so nobody has to end it."""
    with pytest.raises(Refused):
        registry.tags("model")
    process = registry._process
    registry.close()

    assert process.returncode == 0
