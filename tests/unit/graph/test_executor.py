"""The executor: time, cancellation, order and errors; what it answers is held against the real router elsewhere."""

import asyncio
import gc
import time
from collections import Counter

import pytest
from graphs import Functions, document, url
from hypothesis import given
from hypothesis import strategies as st

from twinpin.graph.body import Body
from twinpin.graph.executor import Executor
from twinpin.step.errors import Broken, Busy, Malformed, Unavailable


def step(model, **fields):
    """One step at a model's address."""
    return {"name": model, "serviceUrl": url(model), **fields}


def hard(model, **fields):
    """One step that must succeed, fed with the answer before it."""
    return step(model, dependency="Hard", data="$response", **fields)


async def forever(_body):
    """A step that does not come back by itself."""
    await asyncio.Event().wait()


def fails(error):
    """A step that gives no answer."""

    def run(_body):
        raise error

    return run


async def run(nodes, steps, value=None, *, deadline=None, pick=None, **spec):
    """Run a graph of functions once."""
    executor = Executor(document(nodes, **spec), steps, **({"pick": pick} if pick else {}))
    return await executor.run(Body.of_json(value or {}), deadline=deadline)


async def test_timings_tell_each_step_that_ran():
    """Every step that ran is timed with its node, name and status, and the observer hears of it."""
    heard = []
    steps = Functions(a=lambda _: 1, b=lambda _: (409, {"error": "no"}), c=lambda _: 3)
    graph = document(
        {"root": ("Sequence", [step("a"), {"name": "n", "nodeName": "n"}]), "n": ("Sequence", [hard("b"), hard("c")])}
    )

    reply = await Executor(graph, steps, observe=heard.append).run(Body.of_json({}))

    assert [(each.node, each.step, each.status) for each in reply.timings] == [("root", "a", 200), ("n", "b", 409)]
    assert list(reply.timings) == heard
    assert all(each.seconds >= 0 for each in heard)


@pytest.mark.parametrize(
    ("error", "status", "retry"),
    [(Unavailable("down"), 503, 1.0), (Busy("full"), 429, 1.0), (Broken("b"), 500, None), (Malformed("m"), 400, None)],
)
async def test_a_step_without_an_answer_ends_the_graph_even_where_it_is_soft(error, status, retry):
    """What the transport raises is the answer of the whole graph, with the time to wait where one is known."""
    steps = Functions(a=fails(error), b=lambda _: 1)

    reply = await run({"root": ("Sequence", [step("a", dependency="Soft"), step("b")])}, steps)

    assert (reply.status, reply.body.json(), reply.retry_after) == (status, {"error": error.message}, retry)
    assert [name for name, _ in steps.asked] == ["a"]
    assert [each.status for each in reply.timings] == [status]


@pytest.mark.parametrize("limit", ["deadline", "serviceClient", "timeout"])
async def test_a_late_step_is_cancelled_and_answered_504(limit):
    """Whichever limit is over first, the step that runs is cancelled and the answer says which it was."""
    steps = Functions(a=forever)
    spec = {"deadline": {}, "serviceClient": {"routerTimeouts": {"serviceClient": 1}}, "timeout": {"timeout": 1}}[limit]
    started = time.monotonic()

    deadline = started + 0.05 if limit == "deadline" else started + 60
    reply = await run({"root": ("Sequence", [step("a")])}, steps, deadline=deadline, **spec)

    assert reply.status == 504
    assert "'a'" in reply.body.json()["error"]
    assert steps.cancelled == ["a"]
    assert time.monotonic() - started < 10


async def test_no_step_begins_after_the_deadline():
    """A request whose time is over asks no step."""
    steps = Functions(a=lambda _: 1)

    reply = await run({"root": ("Sequence", [step("a")])}, steps, deadline=time.monotonic() - 1)

    assert (reply.status, steps.asked) == (504, [])


@pytest.mark.parametrize("kind", ["Sequence", "Ensemble"])
async def test_a_client_that_goes_cancels_the_steps(kind):
    """Cancelling the run cancels what runs, and leaves no task behind."""
    begun = asyncio.Semaphore(0)

    async def hang(_body):
        begun.release()
        await asyncio.Event().wait()

    steps = Functions(a=hang, b=hang)
    before = asyncio.all_tasks()
    task = asyncio.create_task(run({"root": (kind, [step("a"), step("b")])}, steps))
    expected = ["a"] if kind == "Sequence" else ["a", "b"]
    for _ in expected:
        await begun.acquire()

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert sorted(steps.cancelled) == expected
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("bad", [fails(Unavailable("down")), lambda _: [1], lambda _: (500, {"e": 1})])
async def test_an_ensemble_that_fails_leaves_nothing_running(bad):
    """An error, a body that is no object or a failed Hard step ends the Ensemble at once and cancels the others."""
    steps = Functions(slow=forever, bad=bad)
    before = asyncio.all_tasks()
    nodes = {"root": ("Ensemble", [step("bad", dependency="Hard"), step("slow")])}

    reply = await asyncio.wait_for(run(nodes, steps), 5)

    assert reply.status in {500, 503}
    assert steps.cancelled == ["slow"]
    assert asyncio.all_tasks() == before
    gc.collect()  # an exception that nobody took would be logged, and a task that nobody awaited would warn


async def test_an_error_ends_an_ensemble_though_an_earlier_step_still_runs():
    """A step that cannot be reached is told at once, not after the slowest of the others."""
    steps = Functions(slow=forever, bad=fails(Unavailable("down")))

    reply = await asyncio.wait_for(run({"root": ("Ensemble", [step("slow"), step("bad")])}, steps), 5)

    assert (reply.status, steps.cancelled) == (503, ["slow"])


async def test_ensemble_steps_run_at_the_same_time():
    """Each of two steps waits until the other has begun, which only concurrent steps survive."""
    barrier = asyncio.Barrier(2)

    async def meet(_body):
        await barrier.wait()
        return {"met": True}

    reply = await asyncio.wait_for(run({"root": ("Ensemble", [step("a"), step("b")])}, Functions(a=meet, b=meet)), 5)

    assert reply.body.json() == {"a": {"met": True}, "b": {"met": True}}


async def test_concurrent_requests_do_not_mix():
    """Two hundred requests through one executor each get the answer to their own body, and their own timings."""

    async def add(body):
        await asyncio.sleep(0.001 * (body["n"] % 3))
        return {"n": body["n"] + 1000}

    graph = document({"root": ("Sequence", [step("a"), hard("b")])})
    executor = Executor(graph, Functions(a=add, b=add))

    replies = await asyncio.gather(*(executor.run(Body.of_json({"n": n})) for n in range(200)))

    assert [reply.body.json()["n"] for reply in replies] == [n + 2000 for n in range(200)]
    assert {len(reply.timings) for reply in replies} == {2}


@given(weights=st.lists(st.integers(0, 100), min_size=1, max_size=6).filter(lambda each: 0 < sum(each) <= 100))
def test_a_splitter_shares_every_point_as_its_weights_say(weights):
    """Over all hundred points each step is chosen exactly as often as its weight, and no point is left without one."""
    weights = [*weights, 100 - sum(weights)]
    names = [f"s{place}" for place in range(len(weights))]
    nodes = {"root": ("Splitter", [step(name, weight=weight) for name, weight in zip(names, weights, strict=True)])}
    graph = document(nodes)

    async def all_points():
        steps = Functions(**dict.fromkeys(names, lambda _: {}))
        for point in range(100):
            await Executor(graph, steps, pick=lambda below, point=point: min(point, below - 1)).run(Body.of_json({}))
        return Counter(name for name, _ in steps.asked)

    chosen = asyncio.run(all_points())

    assert chosen == {name: weight for name, weight in zip(names, weights, strict=True) if weight}


async def test_only_matching_headers_go_on():
    """A graph passes on the headers that its patterns choose, to every step."""
    steps = Functions(a=lambda _: 1, b=lambda _: 2)
    executor = Executor(document({"root": ("Sequence", [step("a"), hard("b")])}), steps, propagate=["^X-"])

    await executor.run(Body.of_json({}), [("x-id", "1"), ("cookie", "c")])

    assert steps.headers == [(("X-Id", "1"),)] * 2


async def test_closing_closes_the_transport():
    """The executor owns its transport."""
    steps = Functions()
    executor = Executor(document({"root": ("Sequence", [step("a")])}), steps)

    await executor.aclose()

    assert steps.closed


async def test_a_defect_of_a_transport_is_not_hidden():
    """An exception that is no TwinpinError is a defect, and comes out as it is."""
    with pytest.raises(ZeroDivisionError):
        await run({"root": ("Sequence", [step("a")])}, Functions(a=lambda _: 1 / 0))
