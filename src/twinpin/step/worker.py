"""Worker: how a step's work is done, on the event loop or in its threads, so many at a time and until a deadline."""

import asyncio
import inspect
import logging
import threading
import time
from collections.abc import Awaitable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import cast

from twinpin.step import tracing
from twinpin.step.block import rows_of
from twinpin.step.errors import Broken, Busy, DeadlineExceeded, TwinpinError, Unavailable
from twinpin.step.step import Answer, Brief, Context, Message, Step
from twinpin.step.telemetry import BATCH_ROWS, IN_FLIGHT, QUEUE_DEPTH, STEP_SECONDS

log = logging.getLogger(__name__)


class Worker:
    """Runs one step; *name* is what metrics and errors call it.

    A plain `run` works in one of *threads* threads, never on the event loop; a coroutine `run` is awaited on it. What a
    `Brief` step does at once needs neither a thread nor a place: it is over before another request is looked at.
    At most *max_in_flight* requests run or wait; one more raises Busy. The place of a request whose client has gone,
    or whose deadline has passed, is free again only when its work has really ended.
    """

    def __init__(self, step: Step, name: str, threads: int, max_in_flight: int) -> None:
        self._step = step
        self._name = name
        self._max_in_flight = max_in_flight
        self._places = threading.Semaphore(max_in_flight)
        self._brief = step if isinstance(step, Brief) else None
        waits = inspect.iscoroutinefunction(step.run)
        self._executor = None if waits else ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._waits_now = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._in_flight = IN_FLIGHT.labels(name)
        self._queued = QUEUE_DEPTH.labels(name)
        self._seconds = STEP_SECONDS.labels(name)
        self._rows = BATCH_ROWS.labels(name)

    async def run(self, message: Message, context: Context) -> Answer:
        """Take a place, start the work and wait for it as long as the deadline allows; raises what the step raises."""
        if context.deadline is not None and context.deadline <= time.monotonic():
            raise DeadlineExceeded(f"the time for this request ended before the {self._name} step")
        if self._brief is not None and (answer := self._at_once(self._brief, message, context)) is not None:
            return answer
        if not self._places.acquire(blocking=False):
            raise Busy(f"the {self._name} step has {self._max_in_flight} requests in hand; try again")
        self._in_flight.inc()
        work = (
            self._waiting(message, context) if self._executor is None else self._start(self._executor, message, context)
        )
        if context.deadline is None:
            return await work
        try:
            # asyncio counts in its loop's clock, the deadline in time.monotonic; the two may differ.
            async with asyncio.timeout(context.deadline - time.monotonic()):
                return await work
        except TimeoutError as error:
            raise DeadlineExceeded(f"the time for this request ended in the {self._name} step") from error

    async def aclose(self) -> None:
        """Wait for the work in hand, abandoned or not."""
        await self._idle.wait()
        if self._executor is not None:
            await asyncio.to_thread(self._executor.shutdown)

    def _at_once(self, brief: Brief, message: Message, context: Context) -> Answer | None:
        """Let the step do what takes less time than a thread would cost."""
        started = time.monotonic()
        try:
            answer = brief.at_once(message.tensors, context)
        except TwinpinError:
            raise
        except Exception as error:
            raise self._broken(message, error) from error
        if answer is not None:
            self._worked(message, started)
        return answer

    def _start(self, threads: ThreadPoolExecutor, message: Message, context: Context) -> asyncio.Future[Answer]:
        """Start the work, which gives its place back when it ends, is cancelled while it waits, or fails."""
        self._queued.inc()
        try:
            future = threads.submit(copy_context().run, self._working, message, context)
        except RuntimeError as error:  # shut down
            self._queued.dec()
            self._leave()
            raise Unavailable(f"the {self._name} step is stopping") from error
        future.add_done_callback(self._left)
        return asyncio.wrap_future(future)

    def _working(self, message: Message, context: Context) -> Answer:
        """Do the work in a thread, unless its time has passed while it waited."""
        self._queued.dec()
        if context.deadline is not None and context.deadline <= time.monotonic():
            raise DeadlineExceeded(f"the time for this request ended while it waited for the {self._name} step")
        with self._guarded(message):
            return self._checked(self._step.run(message.tensors, context))

    async def _waiting(self, message: Message, context: Context) -> Answer:
        """Do work that waits more than it computes, and give its place back."""
        self._waits_now += 1
        self._idle.clear()
        try:
            with self._guarded(message):
                return self._checked(await cast(Awaitable[Answer], self._step.run(message.tensors, context)))
        finally:
            self._waits_now -= 1
            if not self._waits_now:
                self._idle.set()
            self._leave()

    def _checked(self, answer: object) -> Answer:
        """Hold the step to what it promised."""
        if not isinstance(answer, Answer):
            raise TypeError(f"{type(self._step).__name__}.run gave {type(answer).__name__}, not an Answer")
        return answer

    @contextmanager
    def _guarded(self, message: Message) -> Iterator[None]:
        """Time the work and log a defect, here, so that an abandoned request's is logged too."""
        started = time.monotonic()
        try:
            yield
        except TwinpinError:
            raise
        except Exception as error:
            raise self._broken(message, error) from error
        finally:
            self._worked(message, started)

    def _worked(self, message: Message, started: float) -> None:
        """Count work that began at *started*, and the rows that it was on."""
        self._seconds.observe(time.monotonic() - started)
        self._rows.observe(rows_of(message.tensors))

    def _broken(self, message: Message, error: Exception) -> Broken:
        """Make the error that is answered in the place of one that is none of ours; the log has it, once.

        The line of the request that fails has its traceback; where there is none (any more), it gets one here.
        """
        trace = tracing.current()
        if trace is None or trace.over:
            log.error("step %s failed", self._name, exc_info=error, extra={"request_id": message.id})
        return Broken(f"the {self._name} step failed on this request; its log has the cause")

    def _left(self, future: Future[Answer]) -> None:
        """Give a place back from the thread that had it; what was cancelled never had one."""
        if future.cancelled():
            self._queued.dec()
        self._leave()

    def _leave(self) -> None:
        """Give a place back."""
        self._in_flight.dec()
        self._places.release()
