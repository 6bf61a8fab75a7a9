"""The pulse wakes the loop at a hint, not at each of a flood, and tells when nothing moves."""

import asyncio
import time

import pytest

from twinpin.rollout.pulse import LEAST, Pulse


@pytest.fixture
def clock():
    """A clock that a test sets."""
    return [0.0]


@pytest.fixture
def pulse(clock):
    """A pulse that takes 100 seconds for stuck."""
    return Pulse(100.0, clock=lambda: clock[0])


async def rested(pulse, seconds):
    """Rest, and say how long it took."""
    begun = time.monotonic()
    await pulse.rest(seconds)
    return time.monotonic() - begun


async def test_a_hint_ends_a_rest():
    """The alias moved: nobody waits for the poll."""
    pulse = Pulse()
    asyncio.get_running_loop().call_later(LEAST + 0.2, pulse.hint)

    assert LEAST <= await rested(pulse, 30.0) < 5.0


async def test_a_hint_during_a_round_ends_the_rest_after_it():
    """The look may have been over before the alias moved."""
    pulse = Pulse()
    pulse.looking()
    pulse.hint()

    assert await rested(pulse, 30.0) < 5.0


async def test_a_hint_before_a_round_is_answered_by_it():
    """It does not cause another one."""
    pulse = Pulse()
    pulse.hint()
    pulse.looking()

    assert await rested(pulse, LEAST + 0.3) >= LEAST + 0.3


async def test_a_flood_of_hints_makes_a_look_a_second():
    """The registry is not asked more often for being asked for more often."""
    pulse, looks = Pulse(), []

    async def work():
        """Do as the loop does."""
        while True:
            pulse.looking()
            looks.append(time.monotonic())
            await pulse.rest(30.0)

    task = asyncio.create_task(work())
    until = time.monotonic() + 2.5 * LEAST
    while time.monotonic() < until:
        pulse.hint()
        await asyncio.sleep(0.001)
    task.cancel()

    assert len(looks) == 3


def test_a_round_without_an_end_is_late(pulse, clock):
    """Though the lease is renewed all the time."""
    pulse.leads(held=True)
    pulse.looking()
    clock[0] = 101.0
    pulse.leads(held=True)

    assert pulse.late == 101.0


async def test_rounds_that_follow_each_other_are_not_late(pulse, clock):
    """Each begins anew, and a rest is no round."""
    for _ in range(3):
        clock[0] += 60.0
        pulse.leads(held=True)
        pulse.looking()
    await pulse.rest(0.0)
    clock[0] += 60.0
    pulse.leads(held=True)

    assert pulse.late == 0.0


def test_a_lease_that_nobody_asks_for_is_late(pulse, clock):
    """The loop around the rounds hangs."""
    pulse.leads(held=False)
    clock[0] = 101.0

    assert pulse.late == 101.0


def test_a_round_that_ended_with_the_lease_is_not_late(pulse, clock):
    """It was cancelled."""
    pulse.leads(held=True)
    pulse.looking()
    pulse.leads(held=False)
    clock[0] = 99.0
    pulse.leads(held=False)
    clock[0] = 150.0

    assert pulse.late == 0.0


@pytest.mark.parametrize(("held", "ready"), [(True, True), (False, True), (None, False)])
def test_whoever_works_or_stands_by_is_ready(pulse, held, ready):
    """Not who does not know."""
    assert not pulse.ready

    pulse.leads(held)

    assert pulse.ready is ready
