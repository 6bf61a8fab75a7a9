"""What a process starts with, and what it makes of a pair before it serves it."""

import asyncio

import numpy as np
import pytest
import yaml
from follow_world import START, Chain, World, generation, pin_of

from twinpin.follow.beginning import Beginning
from twinpin.follow.entries import moved
from twinpin.follow.workshop import Workshop, WrongForecast
from twinpin.gateway.stages import Stages
from twinpin.generations import Generation
from twinpin.pair.errors import HalfMoved, Unreachable
from twinpin.pair.events import Unheard
from twinpin.step.errors import CannotStart, Impossible
from twinpin.step.step import Message


class Ports:
    """A record, an alias and a maker; *reads* are faults of the record before it answers."""

    def __init__(self, world, *, reads=(), makes=()):
        self.world, self.reads, self.makes = world, list(reads), list(makes)
        self.made, self.closed = [], []

    async def read(self):
        """Read the record."""
        if self.reads:
            raise self.reads.pop(0)
        return self.world.read()

    async def write(self, status, seen):
        """Write it."""
        return self.world.write(status, seen)

    async def alias(self):
        """Read the alias."""
        return self.world.alias()

    async def new(self):
        """Load what it names."""
        if self.makes:
            raise self.makes.pop(0)
        self.made.append(generation(self.world.model))
        return self.made[-1]

    async def of(self, pin):
        """Load a pinned pair."""
        self.made.append(generation(int(pin.model.version)))
        return self.made[-1]

    async def keep(self, serving, loaded):
        """Note it."""
        self.kept = (serving.id, loaded)


async def no_time(_seconds):
    """Sleep not at all."""


def begin(ports, last=None, seconds=10.0):
    """Start a process."""
    return asyncio.run(Beginning(ports, ports, ports, Unheard(), last, no_time).first(seconds))


def recorded(world, number):
    """Put a pair on record."""
    world.write(moved(world.read(), pin_of(number), START), world.read())
    return world


def test_the_record_goes_before_the_alias():
    """A pod that starts in the middle of a move, or with the registry down, serves what the others do."""
    world = recorded(World(preprocessor=3, model=2, up=False), 1)

    assert begin(Ports(world)).pin == pin_of(1)


def test_the_first_of_all_serves_the_alias_and_puts_it_on_record():
    """With who moved it there."""
    world = World(preprocessor=2, model=2)
    ports = Ports(world)
    begin(ports)

    assert world.recorded == [pin_of(2).id]
    assert world.status.history[0].moved_by == "somebody"
    assert ports.kept == (pin_of(2).id, {pin_of(2).id})


def test_what_served_last_is_served_again_while_nobody_tells_the_record():
    """A container that is started anew with the API server down."""
    ports = Ports(World(preprocessor=2, model=2), reads=[Unreachable("no answer")])

    assert begin(ports, last=pin_of(1)).pin == pin_of(1)


def test_time_may_mend_a_half_moved_alias():
    """So it is tried again."""
    world = World(preprocessor=2, model=2)

    assert begin(Ports(world, makes=[HalfMoved("half"), HalfMoved("half")])).pin == pin_of(2)


def test_what_time_does_not_mend_ends_the_start():
    """At once where the pair is bad; at the deadline where nobody answers. Nothing is on record then."""
    world = World(preprocessor=2, model=2)

    with pytest.raises(CannotStart, match="no booster"):
        begin(Ports(world, makes=[CannotStart("no booster")]))
    with pytest.raises(Unreachable):
        begin(Ports(world, reads=[Unreachable("no answer")] * 99), seconds=0.0)
    assert world.recorded == []


def test_of_two_that_start_at_once_with_two_pairs_both_serve_the_one_on_record():
    """The alias moved between their looks; what the slower one has loaded is closed."""
    world = World(preprocessor=2, model=2)
    ports = Ports(world)
    write = ports.write

    async def late(status, seen):
        """Let another be first."""
        recorded(world, 3)
        return await write(status, seen)

    ports.write = late

    assert begin(ports).pin == pin_of(3)
    assert ports.made[0].pipeline.closed


class Answering(Chain):
    """A pipeline that answers with one forecast, or refuses."""

    def __init__(self, answer):
        super().__init__(2)
        self.answer = answer

    async def forecast(self, body, headers=(), *, deadline=None):
        """Answer."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return Message({"forecast": np.array([self.answer])}, {"pair": pin_of(2).id})


class Shelf:
    """A folder with a pair whose forecast is on record."""

    def __init__(self, folder):
        self.folder = folder
        for half in ("preprocessor", "model"):
            (folder / half).mkdir()
        example = {"data": {"a": [1.0]}, "prediction": [1.0, 2.0]}
        (folder / "model" / "MLmodel").write_text(yaml.safe_dump({"metadata": {"twinpin_example": example}}))

    def fetch(self):
        """Fetch the pair behind the alias."""
        return pin_of(2), self.folder

    def lay(self, pin):
        """Fetch a pinned pair."""
        return self.folder


def test_a_pair_that_forecasts_as_recorded_is_taken(tmp_path):
    """Whether it is new or on record."""
    pipeline = Answering([1.0, 2.0])
    workshop = Workshop(Shelf(tmp_path), lambda pin, folder: Generation(pin, Stages(None, None), pipeline))

    assert asyncio.run(workshop.new()).pin == pin_of(2)
    assert asyncio.run(workshop.of(pin_of(2))).pin == pin_of(2)
    assert not pipeline.closed


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([1.0, 2.5], "Value 1 of the forecast is 2.5"),
        ([1.0], "has 1 values"),
        (Impossible("no such column"), "no such"),
    ],
)
def test_a_pair_with_another_forecast_is_closed_and_told(tmp_path, answer, words):
    """Before any request meets it."""
    pipeline = Answering(answer)
    workshop = Workshop(Shelf(tmp_path), lambda pin, folder: Generation(pin, Stages(None, None), pipeline))

    with pytest.raises(WrongForecast, match=words):
        asyncio.run(workshop.new())
    assert pipeline.closed


def test_what_a_pairs_own_code_raises_is_that_it_cannot_start(tmp_path):
    """It is refused like any other fault of a pair, and the log has the cause."""

    def load(pin, folder):
        """Fail as a preprocessor's code may."""
        raise ZeroDivisionError

    with pytest.raises(CannotStart, match="ZeroDivisionError"):
        asyncio.run(Workshop(Shelf(tmp_path), load).new())
