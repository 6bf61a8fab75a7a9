"""A gateway that asks a step how it is, where each connection may lead to another pod."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from twinpin.gateway.remote import Probes, RemoteStep
from twinpin.graph.transport import Target
from twinpin.step.errors import Unavailable

DESCRIBED = {"name": "predict", "platform": "xgboost", "versions": ["7"], "inputs": [], "outputs": []}


class Pods(ThreadingHTTPServer):
    """Pods behind one name, which connections are led to in turn: the status of each in that order."""

    daemon_threads = True

    def __init__(self, *statuses):
        super().__init__(("127.0.0.1", 0), Pod)
        self.statuses, self.asked = statuses, 0


class Pod(BaseHTTPRequestHandler):
    """What one pod answers."""

    def do_GET(self):
        """Answer with its status."""
        status = self.server.statuses[self.server.asked % len(self.server.statuses)]
        self.server.asked += 1
        body = json.dumps(DESCRIBED).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@contextlib.asynccontextmanager
async def step(*statuses):
    """A step of these pods, as a gateway sees it; the transport is for forecasts alone."""
    probes = Probes()
    with Pods(*statuses) as pods:
        threading.Thread(target=pods.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{pods.server_port}/v2/models/predict/infer"
        yield RemoteStep(Target(url=url), None, probes), pods
        await probes.aclose()
        pods.shutdown()


@pytest.mark.parametrize("statuses", [(200,), (503, 200), (404, 503, 200), (503, 503, 503, 200)], ids=str)
async def test_a_step_can_serve_where_one_of_its_pods_can(statuses):
    """Those that stop say so for some seconds, and the gateway must not leave its Service with them."""
    async with step(*statuses) as (asked, _):
        await asked.check()

    assert asked.versions == ("7",)


async def test_a_step_cannot_serve_where_none_of_its_pods_can():
    """Which is told at once."""
    async with step(503) as (asked, pods):
        with pytest.raises(Unavailable, match="cannot serve now"):
            await asked.check()

    assert pods.asked > 1
