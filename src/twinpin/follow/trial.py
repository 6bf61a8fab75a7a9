"""Trial: the word of one process that it loads a pair which none has served yet."""

import asyncio
import contextlib
import datetime as dt
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from twinpin.follow.decide import SILENCE
from twinpin.follow.ports import Records
from twinpin.pair.errors import PairError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OwnTrial:
    """The trial of the process *owner*, once it is on record."""

    record: Records
    owner: str
    clock: Callable[[], dt.datetime]

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Renew the word meanwhile, three times in the time after which a process is taken for gone."""
        renewing = asyncio.create_task(self._renew(SILENCE / 3), name="renew the trial")
        try:
            yield
        finally:
            renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await renewing

    async def give_back(self) -> None:
        """Let another process try: this one did not end because of the pair."""
        try:
            seen = await self.record.read()
            if seen.status.trial and seen.status.trial.owner == self.owner:
                await self.record.write(seen.status.model_copy(update={"trial": None}), seen)
        except PairError as error:
            log.warning("the trial could not be given back: %s", error.message)

    async def _renew(self, seconds: float) -> None:
        """Renew it until cancelled, or until another process has taken over."""
        while True:
            await asyncio.sleep(seconds)
            try:
                seen = await self.record.read()
                trial = seen.status.trial
                if trial is None or trial.owner != self.owner:
                    return
                renewed = trial.model_copy(update={"at": self.clock()})
                await self.record.write(seen.status.model_copy(update={"trial": renewed}), seen)
            except PairError as error:
                log.warning("the trial could not be renewed: %s", error.message)
