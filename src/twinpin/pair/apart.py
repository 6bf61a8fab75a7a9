"""RegistryApart: a registry that a process of its own asks, which ends when nobody asks any more.

A process that serves holds no client of a registry then (40 MB with one over SQL), and goes on with its own start
while the other imports MLflow. Requests and answers are pickled over pipes; the two processes are one program.
"""

import os
import pickle
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from twinpin.pair.errors import Unreachable
from twinpin.pair.registry import MlflowRegistry, Registry
from twinpin.pair.sdk import client
from twinpin.pair.version import Version

#: What the other process runs.
PROGRAM = "from twinpin.pair.apart import answer; answer()"


class RegistryApart:
    """What `MlflowRegistry` is, elsewhere; implements `Registry`. Its process begins with the first question."""

    def __init__(self, uri: str | None = None, tracking_uri: str | None = None) -> None:
        self._uris = (uri, tracking_uri)
        self._process: subprocess.Popen[bytes] | None = None

    def version(self, name: str, version: str) -> Version:
        """Read one version."""
        return self._ask("version", name, version)  # type: ignore[no-any-return]

    def aliased(self, name: str, alias: str) -> Version | None:
        """Read the version that carries *alias*; None when none does."""
        return self._ask("aliased", name, alias)  # type: ignore[no-any-return]

    def search(self, name: str, *, run_id: str | None = None, pair: str | None = None) -> Sequence[Version]:
        """List the versions that a run made or that carry a pair's tag, oldest first."""
        return self._ask("search", name, run_id=run_id, pair=pair)  # type: ignore[no-any-return]

    def run_inputs(self, run_id: str) -> frozenset[str]:
        """List the ids of the logged models that a run took as inputs."""
        return self._ask("run_inputs", run_id)  # type: ignore[no-any-return]

    def mlmodel(self, version: Version, folder: Path) -> Mapping[str, Any]:
        """Read the MLmodel file of a version; *folder* is scratch room."""
        return self._ask("mlmodel", version, folder)  # type: ignore[no-any-return]

    def download(self, version: Version, folder: Path) -> None:
        """Write the artifact tree of a version to *folder*, which does not exist yet."""
        self._ask("download", version, folder)

    def set_alias(self, name: str, alias: str, version: str | None) -> None:
        """Move *alias* to a version, or take it away."""
        self._ask("set_alias", name, alias, version)

    def tags(self, name: str) -> Mapping[str, str]:
        """Read the tags of a registered model."""
        return self._ask("tags", name)  # type: ignore[no-any-return]

    def set_tag(self, name: str, key: str, value: str | None) -> None:
        """Set a tag of a registered model, or take it away."""
        self._ask("set_tag", name, key, value)

    def close(self) -> None:
        """End the process: it reads no further question."""
        process, self._process = self._process, None
        if process is not None:
            process.communicate()

    def _ask(self, method: str, *words: object, **options: object) -> Any:
        """Ask one question; what went wrong there is raised here."""
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603 -- this very program
                [sys.executable, "-P", "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            self._send(self._uris)
        try:
            self._send((method, words, options))
            answer, error = pickle.load(self._process.stdout)  # type: ignore[arg-type] # noqa: S301 -- ours
        except (EOFError, BrokenPipeError) as ended:
            self.close()
            raise Unreachable("The process that asks the registry ended by itself.") from ended
        if error is not None:
            raise error
        return answer

    def _send(self, message: object) -> None:
        """Write one message."""
        stream = self._process.stdin  # type: ignore[union-attr] # made before
        pickle.dump(message, stream)  # type: ignore[arg-type]
        stream.flush()  # type: ignore[union-attr]


def answer() -> None:
    """Answer questions until there are no more; what is printed meanwhile goes to the log."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to both; the other process knows what to do
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with client():
        _answer_all(MlflowRegistry(*pickle.load(questions)), questions, answers)  # noqa: S301 -- of our own process
        sys.stdout.flush()  # what was printed
        os._exit(0)  # nothing is left to answer, and taking MLflow down would keep whoever waits


def _answer_all(registry: Registry, questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the questions end."""
    while True:
        try:
            method, words, options = pickle.load(questions)  # noqa: S301
        except EOFError:
            return
        outcome: tuple[object, Exception | None]
        try:
            outcome = getattr(registry, method)(*words, **options), None
        except Exception as error:  # noqa: BLE001 -- raised where it was asked for
            error.add_note("".join(traceback.format_exception(error)))
            outcome = None, error
        pickle.dump(outcome, answers)
        answers.flush()
