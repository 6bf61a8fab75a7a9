"""What the API server of Kubernetes answers when it does not do as asked, told apart by whether waiting helps."""

import re
from http import HTTPStatus
from typing import Any, NamedTuple

from twinpin.pair.errors import Denied, PairError, Refused, Unreachable
from twinpin.pair.outage import outage, silent

#: A Kubernetes object as JSON.
Object = dict[str, Any]

DONE = {HTTPStatus.OK, HTTPStatus.CREATED}
#: The server is there, and cannot now.
BUSY = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}

#: How RBAC says no; quotas, webhooks and dying namespaces have the same status and other words.
RBAC = re.compile(r'User "(?P<user>[^"]+)" cannot \w+ resource')
ACCOUNT = re.compile(r"system:serviceaccount:(?P<namespace>[^:]+):(?P<name>[^:]+)")


class Asked(NamedTuple):
    """One request; *resource* is `configmaps`, or with its group `twinpin.dev/v1alpha1/pairedgraphs`."""

    verb: str
    resource: str
    namespace: str
    name: str | None = None
    subresource: str = ""

    @property
    def path(self) -> str:
        """Its path."""
        group, _, plural = self.resource.rpartition("/")
        place = f"/{f'apis/{group}' if group else 'api/v1'}/namespaces/{self.namespace}/{plural}"
        return "/".join(filter(None, (place, self.name, self.subresource)))

    @property
    def kind(self) -> str:
        """The resource as kubectl and its Roles name it: `pairedgraphs.twinpin.dev/status`."""
        *group, plural = self.resource.split("/")
        return "/".join(filter(None, (".".join((plural, *group[:1])), self.subresource)))

    @property
    def label(self) -> str:
        """The request as people name it: `get configmaps/forecast-pair in namespace shop`."""
        named = f"{self.kind} {self.name}" if self.subresource else "/".join(filter(None, (self.kind, self.name)))
        return f"{self.verb} {named} in namespace {self.namespace}"


def require_harmless(asked: Asked, status: int, answer: Object) -> None:
    """Return where an object is not there (get), is there already (create) or was changed meanwhile (patch).

    All else raises an error of ours.
    """
    reason = answer.get("reason")
    if asked.verb == "get" and status == HTTPStatus.NOT_FOUND and reason == "NotFound":
        return
    if asked.verb == "create" and status == HTTPStatus.CONFLICT and reason == "AlreadyExists":
        return
    if asked.verb == "patch" and status == HTTPStatus.CONFLICT and reason == "Conflict":
        return
    raise _fault(asked, status, str(answer.get("message") or f"status {status}"))


def cut_off(asked: Asked, host: str, error: Exception) -> Unreachable:
    """Say that no answer came."""
    return Unreachable(f"Could not {asked.label}: {silent(host, outage(error) or type(error).__name__)}")


def unlike(asked: Asked, host: str) -> Unreachable:
    """Say that the answer was not Kubernetes', as that of a proxy that cannot reach it."""
    return Unreachable(f"Could not {asked.label}: what answers at {host} is no API server.")


def nowhere(error: Exception) -> Refused:
    """Say that there is no way to any API server."""
    return Refused(
        f"Pins are to lie in ConfigMaps, but no way to the API server was found ({error}). In a pod, mount the service "
        "account's token into this container; elsewhere let KUBECONFIG name a file that holds a context."
    )


def _fault(asked: Asked, status: int, said: str) -> PairError:
    """Choose our error."""
    cause = f"Could not {asked.label}: {said}"
    if status == HTTPStatus.UNAUTHORIZED:
        return Denied(f"Could not {asked.label}: the API server does not take these credentials ({said}).")
    if status == HTTPStatus.FORBIDDEN:
        return _forbidden(asked, said)
    if status in BUSY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unreachable(cause)
    return Refused(cause)


def _forbidden(asked: Asked, said: str) -> PairError:
    """Name the Role that is missing, where it is one."""
    who = RBAC.search(said)
    if who is None:
        return Denied(f"Could not {asked.label}: {said}")
    user = who["user"]
    account = ACCOUNT.fullmatch(user)
    subject = f"--serviceaccount={account['namespace']}:{account['name']}" if account else f"--user={user}"
    role = f"{account['name'] if account else 'twinpin'}-{asked.verb}-{asked.name or asked.kind}"
    only = f" --resource-name={asked.name}" if asked.name else ""
    kubectl = f"kubectl -n {asked.namespace} create"
    return Denied(
        f"{user} may not {asked.label}: no Role bound to it allows the verb {asked.verb}.",
        mend=f"{kubectl} role {role} --verb={asked.verb} --resource={asked.kind}{only} && "
        f"{kubectl} rolebinding {role} --role={role} {subject}",
    )
