"""The controller's face, over real sockets of the loopback."""

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import time

import httpx
import pytest

from twinpin.pair.settings import Settings as PairSettings
from twinpin.rollout import face as faces
from twinpin.rollout.face import CannotListen, Face, listening, opened
from twinpin.rollout.metrics import Metrics
from twinpin.rollout.pulse import Pulse
from twinpin.rollout.settings import FaceSettings
from twinpin.rollout.webhook import Deliveries

SECRET = "between us"
EVENT = json.dumps(
    {
        "entity": "model_version_alias",
        "action": "created",
        "data": {"name": "xgboost_model", "alias": "production", "version": "7"},
    }
).encode()


def signed(body=EVENT, delivery="d1"):
    """Headers of a delivery of now."""
    stamp = str(int(time.time()))
    digest = hmac.new(SECRET.encode(), f"{delivery}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "X-MLflow-Signature": f"v1,{base64.b64encode(digest).decode()}",
        "X-MLflow-Delivery-Id": delivery,
        "X-MLflow-Timestamp": stamp,
    }


class Shown:
    """A face on a free port, with a client."""

    def __init__(self, secret=SECRET):
        self.clock = [0.0]
        self.metrics = Metrics()
        self.pulse = Pulse(100.0, self.metrics, clock=lambda: self.clock[0])
        names = frozenset({"xgboost_preprocessor", "xgboost_model"})
        self.face = Face(self.pulse, self.metrics, Deliveries(secret, names, "production") if secret else None)

    async def __aenter__(self):
        self._context = listening(self.face, "127.0.0.1", 0)
        self.port = await self._context.__aenter__()
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}")
        return self

    async def __aexit__(self, *error):
        await self.client.aclose()
        await self._context.__aexit__(*error)

    async def counted(self, outcome):
        """Read the count of one outcome from /metrics."""
        text = (await self.client.get("/metrics")).text
        (line,) = [each for each in text.splitlines() if f'deliveries_total{{outcome="{outcome}"}}' in each]
        return float(line.split()[-1])

    async def hinted(self):
        """Whether the pulse was asked for a look."""
        begun = time.monotonic()
        await self.pulse.rest(1.4)
        return time.monotonic() - begun < 1.3


async def test_a_signed_delivery_is_a_hint():
    """The answer does not wait for the look."""
    async with Shown() as shown:
        answer = await shown.client.post("/mlflow", content=EVENT, headers=signed())

        assert answer.status_code == 202
        assert await shown.hinted()
        assert await shown.counted("accepted") == 1


async def test_an_unsigned_delivery_is_none():
    """It is refused, counted, and tells how to do better."""
    async with Shown() as shown:
        answer = await shown.client.post("/mlflow", content=EVENT)

        assert answer.status_code == 401
        assert "secret" in answer.json()["error"]
        assert not await shown.hinted()
        assert await shown.counted("unsigned") == 1


async def test_a_wrong_signature_is_none():
    """Of another body here."""
    async with Shown() as shown:
        answer = await shown.client.post("/mlflow", content=EVENT + b" ", headers=signed())

        assert answer.status_code == 401
        assert not await shown.hinted()
        assert await shown.counted("wrong") == 1


async def test_a_repeated_delivery_is_no_second_hint():
    """It is answered as MLflow likes it."""
    async with Shown() as shown:
        headers = signed()
        await shown.client.post("/mlflow", content=EVENT, headers=headers)
        shown.pulse.looking()
        answer = await shown.client.post("/mlflow", content=EVENT, headers=headers)

        assert answer.status_code == 202
        assert not await shown.hinted()
        assert await shown.counted("repeated") == 1


async def test_without_a_secret_it_says_how_to_set_one():
    """Nobody could be told from anybody."""
    async with Shown(secret=None) as shown:
        answer = await shown.client.post("/mlflow", content=EVENT, headers=signed())

        assert answer.status_code == 404
        assert "--webhook-secret" in answer.json()["error"]
        assert await shown.counted("off") == 1


async def test_a_large_body_is_not_read():
    """Whoever sends it need not be known for that."""
    async with Shown() as shown:
        answer = await shown.client.post("/mlflow", content=b"x" * (faces.MAX_BODY + 1), headers=signed())

        assert answer.status_code == 413
        assert await shown.counted("too_large") == 1


async def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch):
    """A connection held open costs next to nothing."""
    monkeypatch.setattr(faces, "BODY_SECONDS", 0.2)
    async with Shown() as shown:
        reader, writer = await asyncio.open_connection("127.0.0.1", shown.port)
        writer.write(b"POST /mlflow HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nab")
        status = await reader.readline()
        writer.close()

        assert b"408" in status
        assert await shown.counted("slow") == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_the_webhook_takes_posts_alone(method):
    """MLflow sends nothing else."""
    async with Shown() as shown:
        assert (await shown.client.request(method, "/mlflow")).status_code == 405


async def test_health_follows_the_pulse():
    """Ready once the lease is known, alive while rounds end."""
    async with Shown() as shown:
        young = await shown.client.get("/readyz")
        shown.pulse.leads(held=False)
        standing_by = await shown.client.get("/readyz")
        alive = await shown.client.get("/livez")
        shown.pulse.leads(held=True)
        shown.pulse.looking()
        shown.clock[0] = 101.0
        stuck = await shown.client.get("/livez")

        assert [each.status_code for each in (young, standing_by, alive, stuck)] == [503, 200, 200, 503]
        assert "stuck for 101 s" in stuck.json()["error"]


async def test_an_end_does_not_wait_for_idle_connections():
    """Prometheus keeps its own open."""
    async with Shown() as shown:
        await shown.client.get("/livez")
        begun = time.monotonic()
        await shown._context.__aexit__(None, None, None)
        shown._context = listening(shown.face, "127.0.0.1", 0)
        await shown._context.__aenter__()

        assert time.monotonic() - begun < 1.0


async def test_a_port_that_is_taken_is_told_with_its_flag():
    """Before anything is done."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = FaceSettings(controller_host="127.0.0.1", controller_port=port)

        with pytest.raises(CannotListen, match="--controller-port"):
            async with opened(settings, PairSettings(), Pulse(), Metrics()):
                raise AssertionError("it listens")


async def test_without_a_port_there_is_no_face():
    """As on a laptop."""
    async with opened(FaceSettings(), PairSettings(), Pulse(), Metrics()):
        tasks = {each.get_name() for each in asyncio.all_tasks()}

    assert "the controller's face" not in tasks
