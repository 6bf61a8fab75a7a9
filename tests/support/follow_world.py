"""Processes that follow one alias, in memory: the real Follower over a record, a registry and pairs that are numbers.

Every call that a process makes to the outside waits until the test lets it go on, so a test can stop a process at any
line, end it there, or let others pass it.
"""

import asyncio
import dataclasses
import datetime as dt
import itertools

from twinpin.follow.beginning import Beginning
from twinpin.follow.follower import Follower
from twinpin.follow.record import Seen
from twinpin.gateway.stages import Stages
from twinpin.generations import Generation, Generations
from twinpin.pair.errors import Unreachable
from twinpin.pair.events import Unheard
from twinpin.pair.pin import Half, Pin
from twinpin.pair.version import Versions
from twinpin.rollout.resource import Status
from twinpin.rollout.snapshot import Aliased, NoPair
from twinpin.step.errors import CannotStart

START = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


class Killed(BaseException):
    """The process ends here, as at SIGKILL."""


def pin_of(number):
    """The Pin of one of many pairs."""
    halves = [Half(name=name, version=str(number), run_id="run", digest="sha256:0") for name in ("prep", "model")]
    return Pin(
        id=f"p{number}-m{number}-aaaaaa",
        rollout="r1",
        alias="live",
        preprocessor=halves[0],
        model=halves[1],
        evidence="run",
        created=START,
    )


class Chain:
    """Two steps with the loop free between them; says which pair each of them was."""

    def __init__(self, number):
        self.number = number
        self.closed = False

    async def forecast(self, body, headers=(), *, deadline=None):
        """Answer in two halves."""
        stages = []
        for _ in range(2):
            assert not self.closed, "closed under a request"
            stages.append(self.number)
            for _ in range(body):
                await asyncio.sleep(0)
        return tuple(stages)

    async def aclose(self):
        """Leave a mark."""
        self.closed = True


def generation(number):
    """A loaded pair."""
    return Generation(pin_of(number), Stages(None, None), Chain(number))


@dataclasses.dataclass
class World:
    """What the processes share. Pairs in *bad* cannot be loaded, *deadly* ones end the process that tries."""

    bad: frozenset = frozenset()
    deadly: frozenset = frozenset()
    #: Names of processes whose disk is full.
    full: set = dataclasses.field(default_factory=set)
    keep: int = 1
    preprocessor: int = 1
    model: int = 1
    up: bool = True
    paused: bool = False
    retry: str = ""
    now: dt.datetime = START
    status: Status = dataclasses.field(default_factory=Status)
    version: int = 0
    #: Every pair that was ever on record, in its order, and how often each was loaded by whom.
    recorded: list = dataclasses.field(default_factory=list)
    loads: list = dataclasses.field(default_factory=list)

    def clock(self):
        """The time."""
        return self.now

    def alias(self):
        """Both halves, as two reads see them."""
        if not self.up:
            return NoPair("Unreachable", "The registry does not answer.")
        if self.preprocessor != self.model:
            return NoPair("HalfMoved", "The alias is on halves of two pairs.")
        return Aliased(Versions(str(self.preprocessor), str(self.model)), "somebody")

    def read(self):
        """The record."""
        return Seen(
            version=str(self.version),
            status=self.status,
            keep=self.keep,
            interval=1.0,
            paused=self.paused,
            retry=self.retry,
        )

    def write(self, status, seen):
        """Write it, unless another did."""
        if seen.version != str(self.version):
            return False
        self.version += 1
        if status.pin != self.status.pin:
            self.recorded.append(Pin.model_validate_json(status.pin).id)
        self.status = Status.model_validate(status.model_dump(mode="json", by_alias=True))
        return True


class Process:
    """One process: calls that wait to go on, and what it serves."""

    def __init__(self, world, name):
        self.world, self.name = world, name
        self.waiting = []
        self.generations = None
        self.task = None
        self.births = itertools.count(1)

    def start(self):
        """Start it, or start it anew: it remembers nothing."""
        self.waiting = []
        self.generations = None
        next(self.births)
        self.task = asyncio.create_task(self._live())

    async def kill(self):
        """End it where it stands; what it writes in its end, it may."""
        self.task.cancel()
        self.generations = None
        self.waiting = []
        while not self.task.done():
            await asyncio.sleep(0)
            self.step()
        await asyncio.gather(self.task, return_exceptions=True)

    @property
    def serving(self):
        """The pair that it serves; None before it serves one."""
        return None if self.generations is None else self.generations.current.pin.id

    async def _live(self):
        """Begin, then look for ever."""
        ports = _Ports(self)
        beginning = Beginning(ports, ports, ports, Unheard(), sleep=lambda _: self.turn())
        self.generations = Generations(await beginning.first(1e9), self.world.keep)
        follower = Follower(self.generations, ports, ports, ports, self.name, clock=self.world.clock)
        while True:
            await follower.look()
            await self.turn()

    async def turn(self):
        """Wait until the test lets it go on."""
        gate = asyncio.get_running_loop().create_future()
        self.waiting.append(gate)
        await gate

    def step(self):
        """Let it go on to its next call."""
        for gate in self.waiting[:1]:
            self.waiting.remove(gate)
            if not gate.done():
                gate.set_result(None)


class _Ports:
    """What a process asks of the outside, one pause before each."""

    def __init__(self, process):
        self.process, self.world = process, process.world

    async def read(self):
        """Read the record."""
        await self.process.turn()
        return self.world.read()

    async def write(self, status, seen):
        """Write the record."""
        await self.process.turn()
        return self.world.write(status, seen)

    async def tell(self, kind, reason, message):
        """Nobody listens."""

    async def alias(self):
        """Read the alias."""
        await self.process.turn()
        return self.world.alias()

    async def new(self):
        """Load what the alias names by then."""
        await self.process.turn()
        if not self.world.up or self.world.preprocessor != self.world.model:
            raise Unreachable("The registry does not answer, or the alias is half moved.")
        number = self.world.model
        await self.process.turn()
        return self._loaded(number)

    async def of(self, pin):
        """Load a pinned pair, of which the files may be here."""
        await self.process.turn()
        return self._loaded(int(pin.model.version))

    async def fetch(self):
        """Fetch files."""
        await self.process.turn()
        if not self.world.up:
            raise Unreachable("The registry does not answer.")

    async def keep(self, serving, loaded):
        """Files are nothing here."""

    def _loaded(self, number):
        """Load a pair, or fail as it does."""
        if self.process.name in self.world.full:
            raise OSError(28, "No space left on device")
        self.world.loads.append((self.process.name, number))
        if number in self.world.deadly:
            raise Killed
        if number in self.world.bad:
            raise CannotStart(f"pair {number} cannot be loaded")
        return generation(number)
