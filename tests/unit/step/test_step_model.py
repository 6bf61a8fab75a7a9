"""StepModel: threads, places, deadlines, and what a client is told when a step fails."""

import asyncio
import logging
import threading
import time

import numpy as np
import pytest
from echo_step import EchoStep, WaitingStep
from metric_samples import sample

from twinpin.step.errors import Broken, Busy, DeadlineExceeded, Impossible, PairMismatch, Unavailable
from twinpin.step.runner import StepModel
from twinpin.step.step import Answer, Message
from twinpin.step.telemetry import IN_FLIGHT, PAIR_INFO, PAIR_MISMATCHES


class HeldStep(EchoStep):
    """Works until it is let go, and tells when it has begun."""

    def __init__(self):
        super().__init__()
        self.begun = threading.Semaphore(0)
        self.go = threading.Event()

    def run(self, tensors, context):
        """Hold the thread."""
        self.begun.release()
        assert self.go.wait(20)
        return super().run(tensors, context)


class BriefStep(EchoStep):
    """Works at once."""

    def at_once(self, tensors, context):
        """Do what `run` does."""
        return super().run(tensors, context)


def message(request_id="", **parameters):
    """A request of one row."""
    return Message({"x": np.ones((1, 2), np.float32)}, parameters, request_id)


@pytest.fixture
async def held():
    """A step whose thread is held, in a model of one thread and three places."""
    step = HeldStep()
    model = StepModel(step, name="held", threads=1, max_in_flight=3)
    yield step, model
    step.go.set()
    await model.aclose()


async def begun(step):
    """Wait until the step works."""
    assert await asyncio.to_thread(step.begun.acquire, timeout=20)


async def freed(model):
    """Wait until a place is free, as far as the test's own timeout."""
    while True:
        try:
            return await model.infer(message("after"))
        except Busy:
            await asyncio.sleep(0.005)


async def test_answer_carries_what_the_request_brought_and_what_the_step_adds():
    """Parameters travel through, the step's own win, and the first version signs."""
    model = StepModel(EchoStep())

    answer = await model.infer(Message({"x": np.ones(1)}, {"traceparent": "t", "pair": "old"}, "id", ("x",)))

    assert answer.parameters == {"traceparent": "t", "pair": "p3-m7-abc123"}
    assert (answer.id, answer.requested, answer.version) == ("id", ("x",), "7")
    await model.aclose()


async def test_plain_work_never_runs_on_the_event_loop():
    """The loop answers others meanwhile."""
    step = EchoStep()
    model = StepModel(step)

    await model.infer(message())

    assert threading.current_thread().name not in step.threads
    await model.aclose()


async def test_waiting_work_runs_on_the_event_loop():
    """A coroutine costs no thread."""
    step = WaitingStep()
    model = StepModel(step)

    await model.infer(message())

    assert step.threads == {threading.current_thread().name}
    await model.aclose()


async def test_one_request_too_many_is_busy(held):
    """Whoever comes when all places are taken is told at once, with a time to come again."""
    step, model = held
    requests = [asyncio.create_task(model.infer(message())) for _ in range(3)]
    await begun(step)

    with pytest.raises(Busy) as caught:
        await model.infer(message())

    assert caught.value.retry_after == 1.0
    assert IN_FLIGHT.labels("held")._value.get() == 3
    step.go.set()
    await asyncio.gather(*requests)
    assert IN_FLIGHT.labels("held")._value.get() == 0


async def test_a_place_is_free_only_when_its_work_has_ended(held):
    """An impatient client's work still fills the thread, so its place stays taken until then."""
    step, model = held
    impatient = asyncio.create_task(model.infer(message("impatient"), deadline=time.monotonic() + 0.05))
    await begun(step)
    waiting = [asyncio.create_task(model.infer(message())) for _ in range(2)]
    with pytest.raises(DeadlineExceeded):
        await impatient

    with pytest.raises(Busy):
        await model.infer(message())

    step.go.set()
    await asyncio.gather(*waiting)
    await freed(model)
    assert "impatient" in step.done


async def test_work_whose_client_has_gone_is_not_begun(held):
    """What waits in the queue for nobody gives its place back at once."""
    step, model = held
    running = asyncio.create_task(model.infer(message("running")))
    await begun(step)
    gone = [asyncio.create_task(model.infer(message("gone"))) for _ in range(2)]
    await asyncio.sleep(0)
    for each in gone:
        each.cancel()
    await asyncio.wait(gone)

    later = asyncio.create_task(model.infer(message("later")))
    await asyncio.sleep(0)
    step.go.set()
    await asyncio.gather(running, later)

    assert step.done == ["running", "later"]


async def test_work_whose_time_is_over_is_not_begun(held):
    """A deadline that passes in the queue ends the request without the work."""
    step, model = held
    running = asyncio.create_task(model.infer(message("running")))
    await begun(step)

    with pytest.raises(DeadlineExceeded):
        await model.infer(message("late"), deadline=time.monotonic() + 0.02)

    step.go.set()
    await running
    await freed(model)
    assert "late" not in step.done


async def test_a_deadline_in_the_past_takes_no_place():
    """The router before us may have used up all the time."""
    model = StepModel(EchoStep(), name="past")

    with pytest.raises(DeadlineExceeded):
        await model.infer(message(), deadline=time.monotonic() - 1)

    assert IN_FLIGHT.labels("past")._value.get() == 0
    await model.aclose()


async def test_the_servers_own_limit_holds_where_the_client_names_none(held):
    """No request waits forever."""
    step, _ = held
    model = StepModel(step, threads=1, request_timeout=0.02)

    with pytest.raises(DeadlineExceeded):
        await model.infer(message())

    step.go.set()
    await model.aclose()


async def test_waiting_work_is_cancelled_at_its_deadline():
    """A coroutine lets go of its store at once."""
    step = WaitingStep(asyncio.Event())
    model = StepModel(step, max_in_flight=1)

    with pytest.raises(DeadlineExceeded):
        await model.infer(message(mode="wait"), deadline=time.monotonic() + 0.02)

    assert step.cancelled == 1
    await model.infer(message())
    await model.aclose()


@pytest.mark.parametrize("kind", [EchoStep, WaitingStep])
@pytest.mark.parametrize("mode", ["bug", "timeout", "strange"])
async def test_a_defect_is_logged_once_and_told_without_its_cause(kind, mode, caplog):
    """The client learns that it happened, the log learns why, and a store's own timeout is no deadline of ours."""
    model = StepModel(kind())

    with caplog.at_level(logging.ERROR), pytest.raises(Broken) as caught:
        await model.infer(message("r-1", mode=mode))

    assert caught.value.message == "the echo step failed on this request; its log has the cause"
    assert [(record.request_id, record.exc_info is not None) for record in caplog.records] == [("r-1", True)]
    await model.aclose()


async def test_a_defect_in_abandoned_work_is_logged_too(held, caplog):
    """Nobody waits for it, but somebody must learn of it."""
    step, model = held
    request = asyncio.create_task(model.infer(message("left", mode="bug")))
    await begun(step)
    request.cancel()
    await asyncio.wait([request])

    step.go.set()
    await freed(model)

    assert [record.request_id for record in caplog.records] == ["left"]


async def test_our_own_errors_pass_through():
    """A step that knows what to say is not overruled."""
    model = StepModel(EchoStep())

    with pytest.raises(Impossible, match=r"ask for another"):
        await model.infer(message(mode="impossible"))

    await model.aclose()


async def test_another_pairs_message_is_counted():
    """The metric that must stay at zero."""
    model = StepModel(EchoStep())
    before = PAIR_MISMATCHES._value.get()

    with pytest.raises(PairMismatch):
        await model.infer(message(mode="mismatch"))

    assert PAIR_MISMATCHES._value.get() == before + 1
    await model.aclose()


async def test_closing_waits_for_abandoned_work_and_closes_the_step_last(tmp_path):
    """A store is not closed below a thread that reads it."""
    order = []

    class Ordered(HeldStep):
        def run(self, tensors, context):
            answer = super().run(tensors, context)
            order.append("worked")
            return answer

        async def close(self):
            order.append("closed")

    step = Ordered()
    model = StepModel(step)
    request = asyncio.create_task(model.infer(message()))
    await begun(step)
    request.cancel()
    closing = asyncio.create_task(model.aclose())
    await asyncio.sleep(0)
    step.go.set()
    await closing

    assert order == ["worked", "closed"]
    with pytest.raises(Unavailable):
        await model.infer(message())


async def test_a_check_that_fails_by_defect_means_not_ready(caplog):
    """Readiness answers no, and the log learns why."""

    class Doubtful(EchoStep):
        async def check(self):
            raise OSError("10.0.0.1 refused")

    model = StepModel(Doubtful())

    with pytest.raises(Unavailable) as caught:
        await model.check()

    assert "10.0.0.1" not in caught.value.message
    assert len(caplog.records) == 1
    await model.aclose()


async def test_many_requests_keep_their_own_answers():
    """Threads share nothing."""
    model = StepModel(EchoStep(), threads=4, max_in_flight=200)

    answers = await asyncio.gather(
        *(model.infer(Message({"x": np.array([index])}, {}, str(index))) for index in range(200))
    )

    assert [(answer.id, answer.tensors["x"].tolist()) for answer in answers] == [(str(i), [i]) for i in range(200)]
    await model.aclose()


async def test_a_step_may_answer_without_versions():
    """A features step has none."""

    class Plain(EchoStep):
        versions = ()

        def run(self, tensors, context):
            return Answer(tensors)

    model = StepModel(Plain())

    assert (await model.infer(message())).version == ""
    await model.aclose()


async def test_the_pair_that_serves_is_shown():
    """From its first stamped answer on, and no other beside it."""

    class Stamped(EchoStep):
        def run(self, tensors, context):
            return Answer(tensors, {"pair": "p1-m2-abcdef", "preprocessor_version": "1", "model_version": "2"})

    PAIR_INFO.labels("old", "0", "0").set(1)
    model = StepModel(Stamped())

    await model.infer(message())

    samples = [sample.labels for metric in PAIR_INFO.collect() for sample in metric.samples]
    assert samples == [{"pair": "p1-m2-abcdef", "preprocessor_version": "1", "model_version": "2"}]
    await model.aclose()


class QuickStep(EchoStep):
    """Does one row at once, and tells which thread did the work."""

    def __init__(self):
        super().__init__()
        self.workers = []

    def at_once(self, tensors, context):
        """Take one row alone."""
        return self.run(tensors, context) if len(tensors["x"]) == 1 else None

    def run(self, tensors, context):
        """Note the thread; a NaN is a defect."""
        self.workers.append(threading.current_thread())
        if np.isnan(tensors["x"]).any():
            raise ZeroDivisionError
        return super().run(tensors, context)


async def test_brief_work_is_done_at_once_and_longer_work_in_a_thread():
    """A thread costs more than one row does; what may take longer must not hold the loop."""
    step = QuickStep()
    model = StepModel(step, threads=1, max_in_flight=1)

    await model.infer(message())
    await model.infer(Message({"x": np.ones((2, 2), np.float32)}))

    assert [each is threading.current_thread() for each in step.workers] == [True, False]
    await model.aclose()


async def test_a_defect_in_brief_work_is_answered_as_one(caplog):
    """The client learns that it happened, the log learns why, and the next request is served."""
    model = StepModel(QuickStep(), threads=1)

    with pytest.raises(Broken):
        await model.infer(Message({"x": np.full((1, 2), np.nan, np.float32)}))

    assert "ZeroDivisionError" in caplog.text
    assert (await model.infer(message())).tensors["x"].shape == (1, 2)
    await model.aclose()


async def test_what_waits_for_a_thread_is_the_queue(held):
    """One works, two wait; one that leaves while it waits, or begins to be worked on, does so no more."""
    step, model = held
    requests = [asyncio.create_task(model.infer(message(str(number)))) for number in range(3)]
    await begun(step)
    assert sample("twinpin_queue_depth", step="held") == 2
    assert sample("twinpin_in_flight", step="held") == 3

    requests[2].cancel()
    await asyncio.wait([requests[2]])
    assert sample("twinpin_queue_depth", step="held") == 1

    step.go.set()
    await asyncio.gather(*requests[:2])
    assert sample("twinpin_queue_depth", step="held") == 0


async def test_a_step_that_stops_leaves_no_queue_behind():
    """What it refuses was never queued."""
    model = StepModel(EchoStep(), name="stopping")
    await model.aclose()

    with pytest.raises(Unavailable):
        await model.infer(message())

    assert sample("twinpin_queue_depth", step="stopping") == 0


@pytest.mark.parametrize("kind", [EchoStep, WaitingStep, BriefStep])
async def test_the_rows_that_a_step_works_on_are_counted(kind):
    """In a thread, on the loop and at once alike."""
    model = StepModel(kind(), name=f"rows of {kind.__name__}")

    await model.infer(Message({"x": np.ones((7, 2), np.float32)}))

    assert sample("twinpin_batch_rows_sum", step=model.name) == 7
    assert sample("twinpin_batch_rows_count", step=model.name) == 1
    await model.aclose()
