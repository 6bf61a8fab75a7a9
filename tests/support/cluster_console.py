"""The product's own commands, as a person at another machine runs them: a kubeconfig, and a way to the registry."""

import dataclasses
import json
import signal
import subprocess

from cluster_pairs import TWINPIN, Names

#: Seconds for one command.
PATIENCE = 300


@dataclasses.dataclass(frozen=True)
class Console:
    """Runs `twinpin` on one release, and on the registry at *uri*."""

    namespace: str
    release: str
    names: Names
    uri: str

    def run(self, command, *words):
        """Run one command to its end, whatever that is."""
        return subprocess.run(self._line(command, words), capture_output=True, text=True, timeout=PATIENCE, check=False)

    def done(self, command, *words):
        """Run one that must succeed; returns what it printed."""
        ended = self.run(command, *words)
        assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
        return ended.stdout

    def begin(self, command, *words):
        """Start one that somebody will interrupt: what a shell starts in the background would not hear Ctrl-C."""
        line = ["env", "--default-signal=INT", *self._line(command, words)]
        return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def promote(self, trained):
        """Move the alias to a pair."""
        preprocessor, model = trained.versions
        return self.done("promote", "--preprocessor-version", preprocessor, "--model-version", model)

    def history(self):
        """Read which pair served when, the newest first."""
        return json.loads(self.done("history", "--json"))["periods"]

    def _line(self, command, words):
        """Say where, as each command wants it."""
        place = ["--namespace", self.namespace]
        place += ["--release", self.release] if command in {"rollout", "canary", "history"} else []
        registry = ["--registry-uri", self.uri] if command != "canary" else []
        named = self.names.flags if command in {"promote", "rollback", "status"} else []
        return [TWINPIN, command, *place, *registry, *named, *map(str, words)]


def interrupted(process):
    """Press Ctrl-C; returns its exit code and what it said."""
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    return process.returncode, said
