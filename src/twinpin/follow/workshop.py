"""Workshop: makes generations, off the event loop: fetched, loaded, and right about the recorded forecast."""

import asyncio
import logging
import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from twinpin.follow.shelf import Shelf
from twinpin.generations import Generation
from twinpin.graph.body import Body
from twinpin.pair.example import Example, judge, read_example
from twinpin.pair.folder import PairFolder
from twinpin.pair.pin import Pin
from twinpin.step.errors import Busy, CannotStart, TwinpinError, Unavailable

log = logging.getLogger(__name__)

#: Seconds that a loaded pair has to answer its own example.
PROBE_SECONDS = 15.0


class WrongForecast(CannotStart):
    """The pair is loaded, and its forecast is not the one that was recorded with it."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """Makes generations of pairs; *load* reads a pair's folder into memory."""

    shelf: Shelf
    load: Callable[[Pin, Path], Generation]

    async def new(self) -> Generation:
        """Make one of the pair behind the alias."""
        return await self._made(*await asyncio.to_thread(self.shelf.fetch))

    async def of(self, pin: Pin) -> Generation:
        """Make one of a pair that is pinned."""
        return await self._made(pin, await asyncio.to_thread(self.shelf.lay, pin))

    async def fetch(self) -> None:
        """Fetch the pair behind the alias, while another process finds out whether it can be loaded."""
        await asyncio.to_thread(self.shelf.fetch)

    async def keep(self, serving: Pin, loaded: AbstractSet[str]) -> None:
        """Remember what serves, and delete the files of pairs that are not loaded any more."""
        await asyncio.to_thread(self.shelf.remember, serving)
        await asyncio.to_thread(self.shelf.sweep, loaded)

    async def _made(self, pin: Pin, folder: Path) -> Generation:
        """Load it, and ask it once."""
        generation = await asyncio.to_thread(self._loaded, pin, folder)
        try:
            await _probe(generation, folder)
        except BaseException:
            await generation.aclose()
            raise
        return generation

    def _loaded(self, pin: Pin, folder: Path) -> Generation:
        """Load it; whatever its own code raises says that it cannot start."""
        try:
            return self.load(pin, folder)
        except (CannotStart, TwinpinError, OSError, MemoryError):
            raise
        except Exception as error:
            log.exception("pair %s could not be loaded", pin.id)
            raise CannotStart(f"Loading {pin.id} failed with {type(error).__name__}; the log has the cause.") from error


async def _probe(generation: Generation, folder: Path) -> None:
    """Raise WrongForecast where the pair says something else than when it was made."""
    halves = PairFolder(folder)
    example = await asyncio.to_thread(read_example, halves.preprocessor, halves.model)
    if example is None:
        return
    wrong = judge(await _answer(generation, example), example, generation.pin.id)
    if wrong:
        raise WrongForecast(wrong)


async def _answer(generation: Generation, example: Example) -> dict[str, object]:
    """Send the example as a client would."""
    body = Body.of_json({"data": example.data})
    try:
        message = await generation.pipeline.forecast(body, deadline=time.monotonic() + PROBE_SECONDS)
    except (Busy, Unavailable):
        raise
    except TwinpinError as error:
        raise WrongForecast(f"Its example was not answered: {error.message}") from error
    answer: dict[str, object] = Body.of_message(message, form="response").json()
    return answer
