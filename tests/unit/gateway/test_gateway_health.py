"""Health: what can serve, cheaply and at once."""

import asyncio
import time

from small_steps import PAIR, SmallGraph, client_of

from twinpin.gateway import health
from twinpin.gateway.health import Health
from twinpin.gateway.stages import Stages
from twinpin.step.errors import Unavailable
from twinpin.step.lifecycle import Lifecycle
from twinpin.step.runner import StepModel


async def test_all_well(client):
    """200, and the pair that serves."""
    response = await client.get("/health")

    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "model_loaded": True,
        "feast_available": True,
        "pair": {"id": PAIR, "preprocessor_version": "7", "model_version": "12"},
    }


async def test_without_its_store_it_is_degraded_and_still_serves(graph, client):
    """Forecasts from columns go on, so traffic must too."""
    graph.features.down = True
    response = await client.get("/health")
    ready = await client.get("/v2/health/ready")

    assert (response.status_code, ready.status_code) == (200, 200)
    assert (response.json()["status"], response.json()["feast_available"]) == ("degraded", False)


async def test_without_its_model_it_is_down(graph, client):
    """503 on both, so that no balancer sends traffic."""
    graph.preprocess.ready = False
    response = await client.get("/health")
    ready = await client.get("/v2/health/ready")

    assert (response.status_code, ready.status_code) == (503, 503)
    assert response.json()["status"] == "down"


async def test_without_a_store_by_choice_it_is_ok_and_says_how_to_get_one():
    """A server for columns alone is whole."""
    graph = SmallGraph(store=False)
    async with client_of(graph) as client:
        found = await client.get("/health")
        refused = await client.post("/predict/feast", json={"entities": 1})
    await graph.gateway.aclose()

    assert (found.status_code, found.json()["status"], found.json()["feast_available"]) == (200, "ok", False)
    assert refused.status_code == 404
    assert "--feature-repo" in refused.json()["error"]


async def test_the_log_says_once_why_a_step_cannot_serve(graph, client, caplog, monkeypatch):
    """One line as it begins, with the cause, and one as it ends."""
    monkeypatch.setattr(health, "FRESH", 0.0)
    for down in (False, True, True, True, False, False):
        graph.features.down = down
        await client.get("/health")
    lines = [record for record in caplog.records if record.name == health.log.name]

    assert [line.getMessage() for line in lines] == ["step features cannot serve", "step features can serve again"]
    assert "the feature store cannot be read" in lines[0].cause


async def test_the_pair_is_known_before_the_first_answer(graph, client):
    """Steps that run elsewhere tell it when they are first asked how they are."""
    graph.gateway.forecasts._answered = dict.fromkeys(("id", "preprocessor_version", "model_version"))
    response = await client.get("/health")

    assert response.json()["pair"] == {"id": PAIR, "preprocessor_version": "7", "model_version": "12"}


class Counting:
    """A step whose check can be made to hang, and counts."""

    name = "counting"
    versions, platform, inputs, outputs = ("1",), "test", (), ()

    def __init__(self):
        self.checks = 0
        self.hang = asyncio.Event()
        self.hang.set()

    def run(self, tensors, context):
        """Never asked."""
        raise NotImplementedError

    async def check(self):
        """Count, and hang where told."""
        self.checks += 1
        await self.hang.wait()

    async def close(self):
        """Hold nothing."""


async def probed():
    """A health over one step in both places."""
    step = Counting()
    model = StepModel(step)
    return step, Health(Stages(model, model), Lifecycle())


async def test_many_callers_share_one_probe():
    """Health checks cost the steps nothing."""
    step, found = await probed()
    states = await asyncio.gather(*(found.state() for _ in range(50)))
    await found.aclose()

    assert step.checks == 2  # the step stands in two places
    assert all(state.serving for state in states)


async def test_a_hanging_check_delays_no_caller(monkeypatch):
    """What was known before is told at once."""
    step, found = await probed()
    await found.settle()
    monkeypatch.setattr(health, "FRESH", 0.0)
    monkeypatch.setattr(health, "PROBE_TIMEOUT", 0.6)
    step.hang.clear()
    began = time.monotonic()
    state = await found.state()
    took = time.monotonic() - began
    await found.aclose()

    assert state.serving
    assert took < 0.5


async def test_a_step_may_be_too_busy_to_say_how_it_is(monkeypatch):
    """Under a burst of load all gateways would leave their Service at once; a step that stays silent is missed."""
    step, found = await probed()
    await found.settle()
    monkeypatch.setattr(health, "PROBE_TIMEOUT", 0.02)
    states = []
    for silent in (True, True, False, True, True, True, False):
        (step.hang.clear if silent else step.hang.set)()
        await found.settle()
        states.append(found._state().serving)

    assert states == [True, True, True, True, True, False, True]


async def test_a_step_that_never_answered_is_not_waited_for(monkeypatch):
    """At its start a gateway knows nothing good of a step."""
    step, found = await probed()
    monkeypatch.setattr(health, "PROBE_TIMEOUT", 0.02)
    step.hang.clear()
    await found.settle()

    assert not found._state().serving


async def test_a_stopping_server_is_not_ready_and_says_why():
    """Readiness is off before the sockets close."""
    step = StepModel(Counting())
    lifecycle = Lifecycle()
    found = Health(Stages(step, step), lifecycle)
    await found.settle()
    await found.check()
    lifecycle.drain()
    state = await found.state()
    try:
        await found.check()
        refusal = ""
    except Unavailable as error:
        refusal = error.message
    await found.aclose()

    assert not state.serving
    assert "stopping" in refusal
