"""API server: what the pair asks of Kubernetes, which is to get, create and patch objects in one namespace.

Of the Kubernetes client only the configuration and the transport are taken: with its models, one class for every kind
of object there is, each init container would start 0.8 s later and take 96 MiB more.
"""

import json
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from twinpin.pair.api_faults import DONE, Asked, Object, cut_off, nowhere, require_harmless, unlike
from twinpin.pair.errors import Refused

if TYPE_CHECKING:
    from kubernetes.client import Configuration

#: What the kubelet mounts into a container that may talk to the API server.
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")

#: Seconds to connect, and to wait for the answer; whoever asks tries again.
PATIENCE = (5.0, 10.0)


class Objects(Protocol):
    """Objects of one namespace. Every method may raise Unreachable (worth another try), Denied or Refused."""

    @property
    def namespace(self) -> str:
        """The namespace."""
        ...

    def get(self, resource: str, name: str) -> Object | None:
        """Read one object of a *resource* such as `configmaps`; None when there is none of that name."""
        ...

    def create(self, resource: str, document: Object) -> Object | None:
        """Create an object and return it as it was stored; None when there is one of that name."""
        ...

    def patch_status(self, resource: str, name: str, change: Object) -> Object | None:
        """Merge a change into an object's status; None when it is not of the resourceVersion that the change names."""
        ...


class ApiServer:
    """The API server of the cluster that this process runs in, or of the current context of a kubeconfig.

    KUBECONFIG goes first, where it is set; then the pod's service account; then ~/.kube/config.
    """

    def __init__(self, namespace: str | None = None) -> None:
        self._namespace = namespace

    @property
    def namespace(self) -> str:
        """The namespace that was given, else the pod's own, else that of the kubeconfig's context."""
        return self._namespace or self._access.namespace

    def get(self, resource: str, name: str) -> Object | None:
        """Read one object of a *resource* such as `configmaps`; None when there is none of that name."""
        return self._ask("GET", Asked("get", resource, self.namespace, name))

    def create(self, resource: str, document: Object) -> Object | None:
        """Create an object and return it as it was stored; None when there is one of that name."""
        return self._ask("POST", Asked("create", resource, self.namespace), document)

    def patch_status(self, resource: str, name: str, change: Object) -> Object | None:
        """Merge a change into an object's status; None when it is not of the resourceVersion that the change names."""
        return self._ask("PATCH", Asked("patch", resource, self.namespace, name, "status"), change)

    @cached_property
    def _access(self) -> "Access":
        """Find the server when first asked: a test or a laptop without one never imports the client."""
        try:
            from kubernetes.config import ConfigException  # noqa: PLC0415 -- costs 0.2 s
        except ImportError as error:
            raise Refused(
                "Pins are to lie in ConfigMaps, but the Kubernetes client is not installed.",
                mend="pip install 'twinpin[resolve]'",
            ) from error
        try:
            return find_access()
        except (ConfigException, OSError) as error:
            raise nowhere(error) from error

    def _ask(self, method: str, asked: Asked, document: Object | None = None) -> Object | None:
        """Send one request, and tell its answer from a fault."""
        from kubernetes.client.exceptions import ApiException  # noqa: PLC0415
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        access, host = self._access, self._access.configuration.host
        sent = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = {"Accept": "application/json", "Content-Type": sent, **access.authorization}
        url = f"{host}{asked.path}"
        try:
            answer = access.client.request(method, url, headers=headers, body=document, _request_timeout=PATIENCE)
            status, body = answer.status, (answer.data if answer.data is not None else answer.read())
        except ApiException as error:  # for every status but 2xx up to version 36, after it for TLS alone
            if not error.status:
                raise cut_off(asked, host, error) from error
            status, body = error.status, error.body
        except (HTTPError, OSError) as error:
            raise cut_off(asked, host, error) from error
        found = _parsed(body)
        if found is None:
            raise unlike(asked, host)
        if status in DONE:
            return found
        require_harmless(asked, status, found)
        return None


class Access(NamedTuple):
    """How to reach the server: where it is, with which TLS and proxy, as whom."""

    configuration: Any
    client: Any
    namespace: str

    @property
    def authorization(self) -> dict[str, str]:
        """The header with the token, read anew where it has expired; none for a client certificate."""
        return {each["key"]: each["value"] for each in self.configuration.auth_settings().values()}


def find_access() -> Access:
    """Find the way in: KUBECONFIG, the pod's account, ~/.kube/config; else ConfigException or OSError."""
    return _in_pod() if runs_in_pod() else _from_kubeconfig()


def runs_in_pod() -> bool:
    """Whether the service account is the way in."""
    return "KUBECONFIG" not in os.environ and "KUBERNETES_SERVICE_HOST" in os.environ


def _in_pod() -> Access:
    """Go in as the pod's service account."""
    from kubernetes.config import load_incluster_config  # noqa: PLC0415

    configuration = _configuration()
    load_incluster_config(client_configuration=configuration)
    return Access(configuration, _client(configuration), (ACCOUNT / "namespace").read_text().strip())


def _from_kubeconfig() -> Access:
    """Go in as the kubeconfig's current context says."""
    from kubernetes.config import list_kube_config_contexts, load_kube_config  # noqa: PLC0415

    place = os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    configuration = _configuration()
    load_kube_config(config_file=place, client_configuration=configuration)
    _, current = list_kube_config_contexts(config_file=place)
    return Access(configuration, _client(configuration), current["context"].get("namespace") or "default")


def _configuration() -> "Configuration":
    """Make an empty configuration; who asks has a patience of its own, so no request is tried twice here."""
    from kubernetes.client import Configuration  # noqa: PLC0415

    configuration = Configuration()
    configuration.retries = False
    return configuration


def _client(configuration: "Configuration") -> Any:
    """Open the transport."""
    from kubernetes.client.rest import RESTClientObject  # noqa: PLC0415

    return RESTClientObject(configuration)


def _parsed(body: str | bytes | None) -> Object | None:
    """Read an answer; None where it is no JSON object."""
    try:
        found = json.loads(body or "")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
