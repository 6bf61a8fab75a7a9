"""One line to Redis for all requests: answers never change places, and nobody pays for another's trouble."""

import asyncio
from datetime import timedelta

import numpy as np
import pytest
import redis
from feature_repos import fill_windows, this_hour, told, window_repo

from twinpin.features import connections
from twinpin.step.errors import DeadlineExceeded, Unavailable
from twinpin.step.step import Context

IDS = range(1, 41)


@pytest.fixture
async def lined(opened, redis_online, tmp_path):
    """A step that reads Redis directly, over 40 locations whose windows tell which they are."""
    repo = window_repo(tmp_path / "repo", redis_online)
    fill_windows(repo, IDS)
    step = await opened(repo, store_timeout=2.0)
    while not step.step._store._agreement.reached:
        await step.ask(list(IDS))
    return step


def first_values(answer):
    """Which locations the rows of an answer are of."""
    return (next(iter(answer.tensors.values()))[:, 0] // 1000).tolist()


async def test_many_requests_at_once_each_get_their_own_rows(lined):
    """Of any size, in any order."""
    draw = np.random.default_rng(5)
    wanted = [draw.choice(IDS, size=draw.integers(1, 20)).tolist() for _ in range(200)]

    answers = await asyncio.gather(*(lined.ask(each) for each in wanted))

    assert [first_values(each) for each in answers] == wanted


async def test_a_request_that_is_given_up_takes_nobodys_answer(lined, redis_server):
    """Its replies still come, and are dropped; those behind it get theirs, over the same line."""
    line = lined.step._store._direct._line
    with redis.Redis(port=redis_server.port) as admin:
        admin.client_pause(300)
        tensors = {"location_id": np.array([7])}
        deadline = asyncio.get_running_loop().time() + 0.05
        given_up = asyncio.create_task(lined.step.run(tensors, Context(deadline=deadline)))
        await asyncio.sleep(0)
        patient = asyncio.create_task(lined.ask([3, 9]))
        with pytest.raises(DeadlineExceeded):
            await given_up
        answer = await patient

    assert first_values(answer) == [3, 9]
    assert lined.step._store._direct._line is line
    assert first_values(await lined.ask([5])) == [5]


async def test_a_line_that_breaks_is_replaced_for_all_that_wait_on_it(lined, redis_server):
    """The requests under way are asked once more on the next line."""
    line = lined.step._store._direct._line
    with redis.Redis(port=redis_server.port) as admin:
        admin.client_pause(200)
        waiting = [asyncio.create_task(lined.ask([each])) for each in IDS]
        await asyncio.sleep(0)
        line._transport.abort()
        answers = await asyncio.gather(*waiting)

    assert [first_values(each) for each in answers] == [[each] for each in IDS]
    assert lined.step._store._direct._line is not line


async def test_a_line_that_hangs_is_given_up_after_the_time_of_a_read(lined, redis_server):
    """Nothing waits for ever on a network that swallows packets."""
    line = lined.step._store._direct._line
    lined.step._store._timeout = lined.step._store._direct._timeout = 0.1
    with redis.Redis(port=redis_server.port) as admin:
        admin.client_pause(500)
        with pytest.raises(Unavailable):
            await lined.ask([1])
        lined.step._store._timeout = 2.0
        answer = await lined.ask([2])

    assert line.lost
    assert first_values(answer) == [2]


async def test_an_error_of_redis_is_that_of_its_own_request(lined, redis_online, redis_server):
    """A hash that somebody overwrote with text fails whoever asks for it, and nobody else."""
    direct = lined.step._store._direct
    name = connections.redis_hash(direct._feast, "location_id", "INT64", 4)
    with redis.Redis(port=redis_server.port) as admin:
        admin.delete(name)
        admin.set(name, "no hash")

    outcomes = await asyncio.gather(*(lined.ask([each]) for each in (3, 4, 5)), return_exceptions=True)

    assert first_values(outcomes[0]) == [3]
    assert isinstance(outcomes[1], Unavailable)
    assert first_values(outcomes[2]) == [5]


async def test_rows_of_many_times_are_read_at_once(lined):
    """Entities that were written at different times are told apart by their time, and answered together."""
    fill_windows(lined.repo, [77], at=this_hour() - timedelta(minutes=30))

    answer = await lined.ask([1, 77])

    assert first_values(answer) == [1, 77]
    assert len(set(told(answer, "as_of"))) == 2
