"""Kustomizations, built as `kubectl apply -k` would."""

import os
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "manifests"


class Kustomize:
    """Builds kustomizations that lie beside the repository's."""

    def __init__(self, kubectl, folder):
        self._kubectl, self._folder = kubectl, folder
        self._built = {}

    def build(self, folder):
        """Build one folder; gives its objects by kind and name."""
        done = subprocess.run([self._kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        objects = [each for each in yaml.safe_load_all(done.stdout) if each]
        found = {(each["kind"], each["metadata"]["name"]): each for each in objects}
        assert len(found) == len(objects)
        return found

    def on_base(self, *components, **more):
        """Build the base with components, and what else a kustomization may say."""
        document = {
            "resources": [os.path.relpath(MANIFESTS / "base", self._folder)],
            "components": [os.path.relpath(MANIFESTS / each, self._folder) for each in components],
            **more,
        }
        text = yaml.safe_dump(document)
        if text not in self._built:
            self._built[text] = self._of(document)
        return self._built[text]

    def overlay(self, folder, namespace):
        """Build an overlay for another namespace than its own."""
        return self._of({"resources": [os.path.relpath(folder, self._folder)], "namespace": namespace})

    def _of(self, document):
        """Build what a document says."""
        (self._folder / "kustomization.yaml").write_text(yaml.safe_dump(document))
        return self.build(self._folder)
