"""What an API server answers when it is in trouble, given here by a server that is in none."""

import http.server
import json
import threading

import pytest

from twinpin.pair.api_server import ApiServer
from twinpin.pair.errors import Denied, Refused, Unreachable

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:%d"}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: x, context: {cluster: c, user: u, namespace: shop}}]
current-context: x
"""


@pytest.fixture
def answering(tmp_path, monkeypatch):
    """Start a server that gives one answer to everything; returns the way to it."""
    servers = []

    def start(status, body, claimed=None):
        class Handler(http.server.BaseHTTPRequestHandler):
            """Answers."""

            def do_GET(self):
                """Give the answer, of the length that is claimed."""
                self.send_response(status)
                self.send_header("Content-Length", str(claimed or len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 -- http.server's names

            def log_message(self, *_):
                """Say nothing."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append((server, threading.Thread(target=server.serve_forever)))
        servers[-1][1].start()
        (tmp_path / "kubeconfig").write_text(KUBECONFIG % server.server_port)
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
        return ApiServer()

    yield start
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


def status(code, reason, message):
    """Write an answer as the API server writes it."""
    return code, json.dumps({"kind": "Status", "code": code, "reason": reason, "message": message}).encode()


@pytest.mark.parametrize(
    ("answer", "expected", "said"),
    [
        (status(429, "TooManyRequests", "slow down"), Unreachable, "slow down"),
        (status(500, "InternalError", "etcdserver: request timed out"), Unreachable, "request timed out"),
        (status(504, "Timeout", "context deadline exceeded"), Unreachable, "deadline"),
        (status(403, "Forbidden", "exceeded quota: pins, used 9, limited 9"), Denied, "exceeded quota"),
        (status(403, "Forbidden", "unable to create: namespace shop is being terminated"), Denied, "terminated"),
        (status(422, "Invalid", "data: too long"), Refused, "data: too long"),
        (status(404, "NotFound", 'namespaces "shop" not found'), Refused, "namespaces"),
        (status(409, "Conflict", "the object has been modified"), Refused, "modified"),
        ((502, b"<html>Bad Gateway"), Unreachable, "is no API server"),
        ((200, b"<html>Please log in"), Unreachable, "is no API server"),
        ((200, b"[]"), Unreachable, "is no API server"),
    ],
)
def test_each_fault_has_its_kind(answering, answer, expected, said):
    """The exact class, since the exit code depends on it; no Role is proposed where none is missing."""
    objects = answering(*answer)
    with pytest.raises(expected, match=said) as caught:
        objects.create("configmaps", {})

    assert type(caught.value) is expected
    assert caught.value.message.startswith("Could not create configmaps in namespace shop: ")
    assert caught.value.mend is None


def test_an_answer_that_breaks_off_is_temporary(answering):
    """Half an object is none."""
    objects = answering(200, b'{"kind": "ConfigMap"', 100)

    with pytest.raises(Unreachable, match="does not answer"):
        objects.get("configmaps", "forecast-pair")


def test_a_user_who_is_no_account_is_bound_by_name(answering):
    """A person with a kubeconfig, who has no service account."""
    said = 'configmaps "a" is forbidden: User "ann@shop" cannot get resource "configmaps" in API group ""'
    with pytest.raises(Denied) as caught:
        answering(*status(403, "Forbidden", said)).get("configmaps", "a")

    assert caught.value.message == (
        "ann@shop may not get configmaps/a in namespace shop: no Role bound to it allows the verb get."
    )
    assert caught.value.mend == (
        "kubectl -n shop create role twinpin-get-a --verb=get --resource=configmaps --resource-name=a && "
        "kubectl -n shop create rolebinding twinpin-get-a --role=twinpin-get-a --user=ann@shop"
    )


def test_without_a_way_to_a_cluster_the_message_says_what_to_set(monkeypatch, tmp_path):
    """In a pod a mount, elsewhere a variable."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nothing"))

    with pytest.raises(Refused, match=r"mount the service account's token.*KUBECONFIG"):
        ApiServer().get("configmaps", "a")
