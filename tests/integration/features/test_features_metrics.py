"""What the features step counts: how long the store took, whom it does not know, and how old its rows are."""

import pytest
from feature_repos import HOUR, this_hour, written
from metric_samples import growth

from twinpin.step.errors import Malformed, UnknownEntities

READS = "twinpin_feature_read_duration_seconds_count"
MISSES, STALE = "twinpin_feature_misses_total", "twinpin_features_stale_total"
AGES, ANSWERED = "twinpin_feature_age_seconds_sum", "twinpin_feature_age_seconds_count"


async def test_each_request_is_one_read_whatever_the_store(opened, windows, online):
    """One that is refused before it reaches the store is none."""
    opened = await opened(windows(online))

    with growth(READS) as reads, growth(MISSES) as misses, growth(STALE) as stale:
        await opened.ask([1, 2, 3])
        with pytest.raises(Malformed):
            await opened.ask([None])

    assert (reads, misses, stale) == ([1], [0], [0])


async def test_unknown_entities_are_misses_whether_refused_or_left_out(opened, windows):
    """Each by each, and none of them is stale."""
    opened = await opened(windows())

    with growth(MISSES) as misses, growth(STALE) as stale:
        with pytest.raises(UnknownEntities):
            await opened.ask([1, 77, 78])
        await opened.ask([1, 77], partial=True)

    assert (misses, stale) == ([3], [0])


async def test_rows_older_than_allowed_are_stale_and_no_misses(opened, windows):
    """The store knows them."""
    opened = await opened(windows(at=this_hour() - 5 * HOUR), max_age=7200)

    with growth(MISSES) as misses, growth(STALE) as stale, pytest.raises(UnknownEntities):
        await opened.ask([1, 2])

    assert (misses, stale) == ([0], [2])


async def test_a_time_that_the_window_does_not_hold_is_neither(opened, windows):
    """The client asked for something else than there is."""
    opened = await opened(windows(), window=24)

    with growth(MISSES) as misses, growth(STALE) as stale, pytest.raises(UnknownEntities):
        await opened.ask([1], time_point=written(this_hour() - 30 * HOUR))

    assert (misses, stale) == ([0], [0])


async def test_age_is_counted_once_a_request_and_from_the_time_asked_for(opened, windows):
    """A past time is answered by rows of that hour, however old they are today."""
    opened = await opened(windows(at=this_hour() - 5 * HOUR), window=24)

    with growth(AGES) as newest, growth(ANSWERED) as answered:
        await opened.ask([1, 2])
    with growth(AGES) as past:
        await opened.ask([1], time_point=written(this_hour() - 7 * HOUR))

    assert 5 * 3600 <= newest[0] <= 7 * 3600
    assert answered == [1]
    assert past == [0]
