"""Kubernetes' API as the controller uses it: any kind of object in one namespace, off the event loop, with limits.

An answer is a plain dict. What another wrote meanwhile is Conflict; everything else is ClusterFault, in a sentence.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from twinpin.pair.api_server import find_access, runs_in_pod
from twinpin.rollout.cluster import Conflict

Object = dict[str, Any]

#: Who applies what the controller applies.
MANAGER = "twinpin-rollout"
#: Seconds to connect, and to wait for an answer.
PATIENCE = (5.0, 20.0)


class ClusterFault(Exception):
    """The API server does not do as asked; the message says what was asked and what it said."""


class NoSuchKind(ClusterFault):
    """The cluster does not serve a kind."""


class NoCluster(ClusterFault):
    """No cluster is named that could be asked."""


class KubeApi:
    """One namespace of the cluster of KUBECONFIG, else of the pod's own, else of ~/.kube/config."""

    def __init__(self, namespace: str | None = None) -> None:
        import urllib3  # noqa: PLC0415 -- with the client
        from kubernetes import client, config, dynamic  # noqa: PLC0415 -- costs half a second

        try:
            access = find_access()
            #: Whether this process runs in the cluster, and so reaches Services itself.
            self.inside = runs_in_pod()
            self._client = dynamic.DynamicClient(client.ApiClient(access.configuration))
            self.namespace = namespace or access.namespace
        except (config.ConfigException, OSError) as error:
            raise NoCluster(
                f"No way to a cluster was found ({error}): let KUBECONFIG name a file that holds a context."
            ) from error
        except urllib3.exceptions.HTTPError as error:
            raise ClusterFault(
                f"The cluster does not answer ({error}): try again, or see where KUBECONFIG points."
            ) from error

    async def get(self, api: str, kind: str, name: str) -> Object | None:
        """Read one object; None when it is not there."""
        return await self._do(f"get {kind} {name}", api, kind, "get", missing=True, name=name)

    async def list(self, api: str, kind: str, selector: str = "") -> list[Object]:
        """List objects by label."""
        found = await self._do(f"list {kind}", api, kind, "get", label_selector=selector)
        items = (found or {}).get("items", [])
        return [{"apiVersion": api, "kind": kind, **each} for each in items]

    async def create(self, document: Mapping[str, Any]) -> Object | None:
        """Create an object; None when there is one of that name."""
        name = document["metadata"].get("name", "")
        what = f"create {document['kind']} {name}"
        try:
            return await self._do(what, document["apiVersion"], document["kind"], "create", body=dict(document))
        except Conflict:
            return None

    async def apply(self, document: Mapping[str, Any]) -> Object | None:
        """Make an object what the document says, whoever else wrote its fields."""
        return await self._do(
            f"apply {document['kind']} {document['metadata']['name']}",
            document["apiVersion"],
            document["kind"],
            "server_side_apply",
            body=dict(document),
            name=document["metadata"]["name"],
            field_manager=MANAGER,
            force_conflicts=True,
        )

    async def replace(self, document: Object) -> Object | None:
        """Write an object as a whole; Conflict unless it is of the resourceVersion that the document has."""
        name = document["metadata"]["name"]
        what = f"write {document['kind']} {name}"
        return await self._do(what, document["apiVersion"], document["kind"], "replace", body=document, name=name)

    async def merge(self, api: str, kind: str, name: str, change: Object, *, status: bool = False) -> Object | None:
        """Change some fields of an object, or of its status; with a resourceVersion in it, of that version alone."""
        return await self._do(
            f"change {kind} {name}",
            api,
            kind,
            "patch",
            body=change,
            name=name,
            content_type="application/merge-patch+json",
            subresource="status" if status else None,
        )

    async def scale(self, api: str, kind: str, name: str, replicas: int) -> None:
        """Say how many pods something should have, whoever else says so too."""
        what, change = f"scale {kind} {name}", {"spec": {"replicas": replicas}}
        await self._do(
            what,
            api,
            kind,
            "patch",
            body=change,
            name=name,
            content_type="application/merge-patch+json",
            subresource="scale",
        )

    async def delete(self, api: str, kind: str, name: str, uid: str) -> None:
        """Remove an object, unless it is gone or another has its name."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
        try:
            await self._do(f"delete {kind} {name}", api, kind, "delete", missing=True, name=name, body=body)
        except Conflict:
            return

    async def post(self, path: str, body: Object, *, seconds: float) -> Object:
        """Send JSON through the API server to what stands behind a path; OSError without a good answer."""
        from kubernetes.client.exceptions import ApiException  # noqa: PLC0415
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        try:
            answer = await asyncio.to_thread(
                self._client.request, "post", path, body=body, _request_timeout=seconds, serialize=False
            )
        except ApiException as error:
            raise OSError(f"status {error.status}: {str(error.body)[:300]}") from error
        except HTTPError as error:
            raise OSError(str(error)) from error
        found = json.loads(answer.data)
        return found if isinstance(found, dict) else {}

    async def text(self, path: str, *, seconds: float) -> str:
        """Read text through the API server from what stands behind a path; OSError without a good answer."""
        from kubernetes.client.exceptions import ApiException  # noqa: PLC0415
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        try:
            answer = await asyncio.to_thread(
                self._client.request, "get", path, _request_timeout=seconds, serialize=False
            )
        except ApiException as error:
            raise OSError(f"status {error.status}: {str(error.body)[:300]}") from error
        except HTTPError as error:
            raise OSError(str(error)) from error
        return str(answer.data, "utf-8", "replace")

    async def _do(
        self,
        what: str,
        api: str,
        kind: str,
        verb: str,
        *,
        missing: bool = False,
        subresource: str | None = None,
        **arguments: Any,
    ) -> Object | None:
        """Send one request in a thread."""
        from kubernetes.dynamic.exceptions import NotFoundError  # noqa: PLC0415

        def send() -> Object | None:
            """Find the kind, and call."""
            resource = self._client.resources.get(api_version=api, kind=kind)
            if subresource:
                resource = resource.subresources[subresource]
            call: Callable[..., Any] = getattr(resource, verb)
            found: Object = call(namespace=self.namespace, _request_timeout=PATIENCE, **arguments).to_dict()
            return found

        try:
            return await self._told(what, send)
        except NotFoundError as error:
            if missing:
                return None
            raise ClusterFault(f"Could not {what}: it is not there.") from error

    async def _told(self, what: str, send: Callable[[], Object | None]) -> Object | None:
        """Turn the client's errors into ours."""
        from kubernetes.client.exceptions import ApiException  # noqa: PLC0415
        from kubernetes.dynamic.exceptions import ConflictError, NotFoundError, ResourceNotFoundError  # noqa: PLC0415
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        try:
            return await asyncio.to_thread(send)
        except NotFoundError:
            raise
        except ConflictError as error:
            raise Conflict(what) from error
        except ResourceNotFoundError as error:
            raise NoSuchKind(f"Could not {what}: the cluster has no such kind. Install its CRD.") from error
        except ApiException as error:
            raise ClusterFault(f"Could not {what}: {_said(error)}") from error
        except (HTTPError, OSError) as error:
            raise ClusterFault(f"Could not {what}: the API server does not answer ({type(error).__name__}).") from error


def _said(error: Any) -> str:
    """Take the sentence out of an answer."""
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return f"status {error.status}"
