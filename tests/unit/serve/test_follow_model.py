"""Processes that follow one alias, in every order of events: what is served was loaded, and is on record."""

import asyncio
import datetime as dt
from collections import Counter

from follow_world import Process, World, pin_of
from hypothesis import given, settings
from hypothesis import strategies as st

PROCESSES = 3
GOOD, BAD, DEADLY = (1, 2, 3), 4, 5

EVENTS = st.one_of(
    st.tuples(st.just("step"), st.integers(0, PROCESSES - 1)),
    st.tuples(st.just("round"), st.integers(1, 12)),
    st.tuples(st.just("preprocessor"), st.sampled_from([*GOOD, BAD, DEADLY])),
    st.tuples(st.just("promote"), st.sampled_from([*GOOD, BAD, DEADLY])),
    st.tuples(st.just("ask"), st.integers(0, PROCESSES - 1)),
    st.tuples(st.just("kill"), st.integers(0, PROCESSES - 1)),
    st.tuples(st.just("registry"), st.booleans()),
    st.tuples(st.just("later"), st.sampled_from([1, 40])),
)


class Play:
    """One run of events over some processes."""

    def __init__(self):
        self.world = World(bad=frozenset({BAD}), deadly=frozenset({DEADLY}))
        self.processes = [Process(self.world, f"pod-{number}") for number in range(PROCESSES)]
        self.requests = []
        #: How many processes the deadly pair ended, and the most of them that were away at one time.
        self.ended = 0

    async def begin(self):
        """Start all, on pair 1."""
        for process in self.processes:
            process.start()
        await self.rounds(12)

    async def rounds(self, number):
        """Let every process go on, one call after the other."""
        for _ in range(number):
            for process in self.processes:
                process.step()
            await self.settle()

    async def settle(self):
        """Let the loop work until every process waits again, and see what holds."""
        for _ in range(25):
            await asyncio.sleep(0)
        away = [each for each in self.processes if each.task.done()]
        assert len(away) <= 1, "one pair ended several processes at once"
        for process in away:
            self.ended += 1
            await asyncio.gather(process.task, return_exceptions=True)
            process.start()
        for process in self.processes:
            assert process.serving is None or process.serving in self.world.recorded
            assert process.serving not in {pin_of(BAD).id, pin_of(DEADLY).id}

    async def event(self, kind, value):
        """Do one thing."""
        world = self.world
        match kind:
            case "step":
                self.processes[value].step()
            case "round":
                await self.rounds(value)
            case "preprocessor":
                world.preprocessor = value
            case "promote":
                world.preprocessor = world.model = value
            case "ask":
                generations = self.processes[value].generations
                if generations is not None:
                    self.requests.append(asyncio.create_task(generations.forecast(3)))
            case "kill":
                await self.processes[value].kill()
                self.processes[value].start()
            case "registry":
                world.up = value
            case "later":
                world.now += dt.timedelta(seconds=value)
        await self.settle()

    async def end(self, number):
        """Move the alias here for good, with the registry up, and let all come to rest."""
        self.world.up = True
        self.world.preprocessor = self.world.model = number
        for _ in range(4):
            await self.rounds(40)
            self.world.now += dt.timedelta(seconds=40)
        await self.rounds(60)


def play(events, last):
    """Run it; returns the play and the stages of every answer."""

    async def run():
        made = Play()
        await made.begin()
        for kind, value in events:
            await made.event(kind, value)
        await made.end(last)
        answers = await asyncio.gather(*made.requests)
        served = [each.serving for each in made.processes]
        for process in made.processes:
            await process.kill()
        return made, answers, served

    return asyncio.run(run())


@settings(deadline=None, max_examples=120)
@given(st.lists(EVENTS, max_size=40), st.sampled_from([*GOOD, BAD, DEADLY]))
def test_all_processes_come_to_serve_one_pair_and_no_answer_is_of_two(events, last):
    """The pair behind the alias, or where that is bad, another one that all agree on, and the reason on record."""
    made, answers, served = play(events, last)

    assert all(first == second for first, second in answers)
    assert len(set(served)) == 1, served
    rejection = made.world.status.rejection(f"p{last}-m{last}")
    assert served[0] == pin_of(last).id or rejection is not None
    if last in {BAD, DEADLY}:
        assert rejection is not None


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["step", "ask"]), st.integers(0, PROCESSES - 1)), max_size=60))
def test_a_good_pair_is_loaded_by_one_process_before_the_others(events):
    """Nobody else loads it before it is on record, and each loads it once."""
    made, _, served = play([("promote", 2), *events], 2)
    loads = [name for name, number in made.world.loads if number == 2]

    assert set(served) == {pin_of(2).id}
    assert Counter(loads) == {f"pod-{number}": 1 for number in range(PROCESSES)}


def test_a_pair_that_ends_its_process_ends_two_and_no_more():
    """The first may have ended for another reason; the second says that it is the pair."""
    made, _, served = play([], DEADLY)
    tried = [name for name, number in made.world.loads if number == DEADLY]

    assert len(tried) == 2
    assert made.ended == 2
    assert made.world.status.rejection("p5-m5").reason == "DiedLoading"
    assert set(served) == {pin_of(1).id}


def test_a_pair_that_cannot_be_loaded_is_tried_once_until_the_alias_moves_away_and_back():
    """And all go on with the pair before."""
    made, _, served = play([("promote", BAD), ("round", 60), ("round", 60), ("promote", 2), ("round", 60)], BAD)
    tried = [number for _, number in made.world.loads if number == BAD]

    assert len(tried) == 2
    assert set(served) == {pin_of(2).id}
    assert [each.pair for each in made.world.status.history if each.outcome == "Rejected"] == ["p4-m4"] * 2


def test_a_process_that_cannot_serve_what_all_others_do_stays_on_its_pair_and_joins_them_later():
    """Whether or not it was the one to try it; a full disk is no fault of the pair."""

    async def run():
        made = Play()
        await made.begin()
        made.world.full.add("pod-0")
        await made.event("promote", 2)
        await made.rounds(120)
        without = [each.serving for each in made.processes]
        made.world.full.clear()
        await made.rounds(60)
        served = [each.serving for each in made.processes]
        for process in made.processes:
            await process.kill()
        return without, served

    without, served = asyncio.run(run())

    assert without == [pin_of(1).id, pin_of(2).id, pin_of(2).id]
    assert served == [pin_of(2).id] * PROCESSES


def test_going_back_loads_nothing():
    """The pair before is loaded still, in every process."""
    made, _, served = play([("promote", 2), ("round", 80)], 1)

    assert set(served) == {pin_of(1).id}
    assert Counter(number for _, number in made.world.loads) == {1: PROCESSES, 2: PROCESSES}
