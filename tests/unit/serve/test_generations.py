"""The switch between generations: a request stays with the one it found, and none is closed under a request."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twinpin.gateway.stages import Stages
from twinpin.generations import Generation, Generations
from twinpin.pair.pin import Half, Pin


def pin_of(number):
    """The Pin of one of many pairs."""
    half = Half(name="half", version=str(number), run_id="run", digest="sha256:0")
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    return Pin(
        id=f"p{number}",
        rollout=f"r1-{number}",
        alias="live",
        preprocessor=half,
        model=half,
        evidence="run",
        created=moment,
    )


class Chain:
    """A pipeline of two steps, between which anything may happen; it tells which pair each step was."""

    def __init__(self, number):
        self.number = number
        self.closed = False

    async def forecast(self, body, headers=(), *, deadline=None):
        """Work in two halves, with the loop free between them."""
        assert not self.closed
        for _ in range(body):
            await asyncio.sleep(0)
        assert not self.closed
        return self.number

    async def aclose(self):
        """Leave a mark."""
        self.closed = True


def generation(number):
    """One generation that only counts."""
    return Generation(pin_of(number), Stages(None, None), Chain(number))


async def test_a_request_stays_with_the_generation_that_it_found():
    """The switch happens while it waits, and the old one is closed after it."""
    first, second = generation(1), generation(2)
    generations = Generations(first, keep=0)
    request = asyncio.create_task(generations.forecast(5))
    await asyncio.sleep(0)
    switch = asyncio.create_task(generations.switch(second))
    await asyncio.sleep(0)
    closed_early = first.pipeline.closed

    assert (await generations.forecast(0), await request) == (2, 1)
    await switch
    assert (closed_early, first.pipeline.closed) == (False, True)


async def test_the_one_before_stays_loaded_for_the_way_back():
    """And is the same object when it serves again."""
    first, second = generation(1), generation(2)
    generations = Generations(first)
    await generations.switch(second)
    await generations.switch(first)

    assert list(generations.all) == [first, second]
    assert not first.pipeline.closed
    assert not second.pipeline.closed


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.one_of(st.tuples(st.just("ask"), st.integers(0, 4)), st.tuples(st.just("switch"), st.integers(0, 3))))
)
def test_no_order_of_requests_and_switches_harms_a_request(events):
    """Each is answered, by a generation that was open from its first step to its last."""

    async def play():
        generations = Generations(generation(0), keep=1)
        tasks = []
        for kind, number in events:
            if kind == "ask":
                tasks.append(asyncio.create_task(generations.forecast(number)))
            else:
                loaded = [each for each in generations.all if each.pipeline.number == number]
                following = loaded[0] if loaded else generation(number)
                tasks.append(asyncio.create_task(generations.switch(following)))
                await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        loaded = list(generations.all)
        await generations.aclose()
        return loaded

    loaded = asyncio.run(play())

    assert len(loaded) <= 2
    assert all(each.pipeline.closed for each in loaded)


@pytest.mark.parametrize("keep", [0, 1, 2])
async def test_as_many_are_kept_as_the_setting_says(keep):
    """The oldest goes first."""
    made = [generation(number) for number in range(5)]
    generations = Generations(made[0], keep)
    for each in made[1:]:
        await generations.switch(each)

    assert [each.pipeline.number for each in generations.all] == [4, 3, 2][: keep + 1]
    assert [each.pipeline.closed for each in made] == [number < 4 - keep for number in range(5)]
