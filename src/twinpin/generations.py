"""Generations: the pair that serves, the one before it, and the switch between two requests.

A generation is one pinned pair with its two steps loaded. A request stays with the generation that it found, from its
first step to its last, so no answer is ever made by two pairs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from twinpin.gateway.pipeline import Pipeline
from twinpin.gateway.stages import Stages
from twinpin.graph.body import Body
from twinpin.graph.transport import Headers
from twinpin.pair.pin import Pin
from twinpin.step import tracing
from twinpin.step.served import Served
from twinpin.step.step import Message, TensorSpec
from twinpin.step.telemetry import show_pair

Close = Callable[[], Awaitable[None]]


@dataclass(eq=False, slots=True)
class Generation:
    """One pair, ready to serve; *closing* lets go of its steps once its last request is answered."""

    pin: Pin
    stages: Stages
    pipeline: Pipeline
    closing: Sequence[Close] = ()
    _requests: int = 0
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def __enter__(self) -> None:
        """Stay open for a request."""
        self._requests += 1
        self._idle.clear()

    def __exit__(self, *_error: object) -> None:
        """End with the last request, where the end is waited for."""
        self._requests -= 1
        if not self._requests:
            self._idle.set()

    async def aclose(self) -> None:
        """Wait for the requests that it has, then close it."""
        if self._requests:
            await self._idle.wait()
        await self.pipeline.aclose()
        for close in self.closing:
            await close()


class Generations:
    """The generation that serves and the *keep* before it, which stay loaded; a `Pipeline` over whichever serves."""

    def __init__(self, first: Generation, keep: int = 1) -> None:
        self._current = first
        self._kept: list[Generation] = []
        #: How many stay loaded beside the one that serves; holds from the next switch on.
        self.keep = keep

    @property
    def current(self) -> Generation:
        """The one that serves new requests."""
        return self._current

    @property
    def all(self) -> Sequence[Generation]:
        """Every one that is loaded, the one that serves first."""
        return [self._current, *self._kept]

    async def switch(self, following: Generation) -> None:
        """Give every new request to *following*; close those that are too old, once they are idle."""
        kept = [each for each in self.all if each is not following]
        show_pair(following.pin.id, following.pin.preprocessor.version, following.pin.model.version)
        self._current, self._kept = following, kept[: self.keep]
        for old in kept[self.keep :]:
            await old.aclose()

    async def forecast(self, body: Body, headers: Headers = (), *, deadline: float | None = None) -> Message:
        """Answer one request, all of it by the generation that serves when it begins."""
        generation = self._current
        trace = tracing.current()
        if trace is not None:
            trace.pair = generation.pin.id
        with generation:
            return await generation.pipeline.forecast(body, headers, deadline=deadline)

    async def aclose(self) -> None:
        """Close all of them."""
        for generation in self.all:
            await generation.aclose()

    def stages(self) -> Stages:
        """The steps of whichever generation serves."""
        has_store = self._current.stages.features is not None
        return Stages(
            Serving(lambda: self._current.stages.preprocess),
            Serving(lambda: self._current.stages.predict),
            Serving(self._features) if has_store else None,
        )

    def _features(self) -> Served:
        """The features step, which every generation of a process with a store has."""
        features = self._current.stages.features
        assert features is not None, "a store came or went with a generation"  # noqa: S101 -- the types cannot say it
        return features


class Serving:
    """The step that serves now, whichever that is; implements `Served`."""

    def __init__(self, find: Callable[[], Served]) -> None:
        self._find = find

    @property
    def name(self) -> str:
        """Its name."""
        return self._find().name

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions that it answers to."""
        return self._find().versions

    @property
    def platform(self) -> str:
        """What does its work."""
        return self._find().platform

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What goes in."""
        return self._find().inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What comes out."""
        return self._find().outputs

    async def infer(self, message: Message, *, deadline: float | None = None) -> Message:
        """Answer one request."""
        return await self._find().infer(message, deadline=deadline)

    async def check(self) -> None:
        """Raise `Unavailable` where it cannot serve now."""
        await self._find().check()
