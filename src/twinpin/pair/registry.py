"""Registry: what Twinpin asks of a model registry; MlflowRegistry asks it of MLflow.

Only MLflow's client is used, never its models, so that mlflow-skinny without numpy is enough for an HTTP registry.
"""

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from twinpin.pair import tree
from twinpin.pair.errors import BadArtifact, Refused, UnknownName
from twinpin.pair.faults import alias_missing, translated
from twinpin.pair.sdk import light
from twinpin.pair.signature import read_mlmodel
from twinpin.pair.version import PAIR_TAG, Status, Version

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: MLflow waits 120 s and tries seven times, which outlasts any deadline of ours; the user's own values win.
PATIENCE = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}

STATUS: Mapping[str, Status] = {"READY": "READY", "FAILED_REGISTRATION": "FAILED"}


class Registry(Protocol):
    """Registered models, their versions, aliases, tags and artifacts.

    Every method may raise Unreachable (worth another try), Denied or UnknownName.
    """

    def version(self, name: str, version: str) -> Version:
        """Read one version."""
        ...

    def aliased(self, name: str, alias: str) -> Version | None:
        """Read the version that carries *alias*; None when none does."""
        ...

    def search(self, name: str, *, run_id: str | None = None, pair: str | None = None) -> Sequence[Version]:
        """List the versions that a run made or that carry a pair's tag, oldest first."""
        ...

    def run_inputs(self, run_id: str) -> frozenset[str]:
        """List the ids of the logged models that a run took as inputs."""
        ...

    def mlmodel(self, version: Version, folder: Path) -> Mapping[str, Any]:
        """Read the MLmodel file of a version; *folder* is scratch room."""
        ...

    def download(self, version: Version, folder: Path) -> None:
        """Write the artifact tree of a version to *folder*, which does not exist yet."""
        ...

    def set_alias(self, name: str, alias: str, version: str | None) -> None:
        """Move *alias* to a version, or take it away."""
        ...

    def tags(self, name: str) -> Mapping[str, str]:
        """Read the tags of a registered model."""
        ...

    def set_tag(self, name: str, key: str, value: str | None) -> None:
        """Set a tag of a registered model, or take it away."""
        ...


class MlflowRegistry:
    """MLflow's registry, over HTTP, or over SQL where full MLflow is installed.

    Without URIs, MLflow's own variables say where it is; its variables for credentials and TLS are honoured always.
    """

    def __init__(self, uri: str | None = None, tracking_uri: str | None = None) -> None:
        self._tracking_uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or uri
        self._uri = uri or os.environ.get("MLFLOW_REGISTRY_URI") or self._tracking_uri
        for name, value in PATIENCE.items():
            os.environ.setdefault(name, value)

    @cached_property
    def client(self) -> "MlflowClient":
        """MLflow's own client, made when first asked: a restart that finds its pair in place never imports MLflow."""
        if self._uri is None:
            raise Refused(
                "No registry is set: give --registry-uri, TWINPIN_REGISTRY_URI or MLFLOW_TRACKING_URI.",
            )
        with light():
            from mlflow import MlflowClient  # noqa: PLC0415

        with translated("open the registry"):
            return MlflowClient(tracking_uri=self._tracking_uri, registry_uri=self._uri)

    def version(self, name: str, version: str) -> Version:
        """Read one version."""
        with translated(f"read {name} {version}"):
            return _version(self.client.get_model_version(name, version))

    def aliased(self, name: str, alias: str) -> Version | None:
        """Read the version that carries *alias*; None when none does."""
        with translated(f"read the alias {alias!r} of {name}"):
            try:
                return _version(self.client.get_model_version_by_alias(name, alias))
            except Exception as error:
                if alias_missing(error):
                    return None
                raise

    def search(self, name: str, *, run_id: str | None = None, pair: str | None = None) -> Sequence[Version]:
        """List the versions that a run made or that carry a pair's tag, oldest first."""
        wanted = {"name": name, "run_id": run_id, f"tags.`{PAIR_TAG}`": pair}
        if any("'" in value for value in wanted.values() if value):
            raise UnknownName("A name, a run id or a pair id has no quotes: check what was given.")
        query = " and ".join(f"{key} = '{value}'" for key, value in wanted.items() if value)
        with translated(f"search versions of {name}"):
            found = [_version(each) for each in self.client.search_model_versions(query)]
        return sorted(found, key=lambda each: int(each.version))

    def run_inputs(self, run_id: str) -> frozenset[str]:
        """List the ids of the logged models that a run took as inputs."""
        with translated(f"read run {run_id}"):
            inputs = self.client.get_run(run_id).inputs
        return frozenset(each.model_id for each in (inputs.model_inputs if inputs else ()))

    def mlmodel(self, version: Version, folder: Path) -> Mapping[str, Any]:
        """Read the MLmodel file of a version; *folder* is scratch room."""
        self._fetch(version, folder, "MLmodel")
        return read_mlmodel(folder)

    def download(self, version: Version, folder: Path) -> None:
        """Write the artifact tree of a version to *folder*, which does not exist yet."""
        with tree.scratch(folder.parent) as room:
            made = self._fetch(version, room, None)
            if not made.is_dir():
                raise BadArtifact(f"The artifact of {version.label} is not a folder: log the model anew.")
            made.rename(folder)

    def set_alias(self, name: str, alias: str, version: str | None) -> None:
        """Move *alias* to a version, or take it away."""
        with translated(f"move the alias {alias!r} of {name}"):
            if version is None:
                self.client.delete_registered_model_alias(name, alias)
            else:
                self.client.set_registered_model_alias(name, alias, version)

    def tags(self, name: str) -> Mapping[str, str]:
        """Read the tags of a registered model."""
        with translated(f"read {name}"):
            return dict(self.client.get_registered_model(name).tags)

    def set_tag(self, name: str, key: str, value: str | None) -> None:
        """Set a tag of a registered model, or take it away."""
        with translated(f"tag {name}"):
            if value is None:
                self.client.delete_registered_model_tag(name, key)
            else:
                self.client.set_registered_model_tag(name, key, value)

    def _fetch(self, version: Version, folder: Path, path: str | None) -> Path:
        """Download one file or all into *folder*, and say where it lies: in it, or in a folder of its own below.

        MLflow resolves `models:/name/version` against its global registry, whatever URI it is given, and writes a
        file of its own into the tree. The download URI of the version has neither fault.
        """
        from mlflow.artifacts import download_artifacts  # noqa: PLC0415 -- costs a second

        with translated(f"download {version.label}"):
            uri = self.client.get_model_version_download_uri(version.name, version.version).rstrip("/")
            if path is not None:
                uri = f"{uri}/{path}"
            made = download_artifacts(artifact_uri=uri, dst_path=str(folder), tracking_uri=self._tracking_uri)
        return Path(made)


def _version(found: Any) -> Version:
    """Take what matters from MLflow's ModelVersion: its version is an int from SQL, a str over HTTP."""
    source = found.source or ""
    logged = source.removeprefix("models:/") if source.startswith("models:/m-") else None
    return Version(
        name=found.name,
        version=str(found.version),
        run_id=found.run_id or None,
        model_id=found.model_id or logged,
        status=STATUS.get(str(found.status), "PENDING"),
        tags=dict(found.tags),
    )
