"""Observed: what the newest rows come to, at whatever rate they came."""

import gc
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from twinpin.step.observed import AGE, QUANTILES, RING, ROWS, WIDTH, Observations, Observed


class Clock:
    """A time that a test moves."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        """Tell it."""
        return self.now


@pytest.fixture
def clock():
    """The time."""
    return Clock()


def look(observed, rows):
    """Look at each row as one request."""
    for row in rows:
        observed.look(row[np.newaxis])


VALUES = st.floats(-1e9, 1e9) | st.just(np.nan) | st.just(np.inf)


@given(arrays.arrays(float, st.tuples(st.integers(1, 40), st.just(3)), elements=VALUES))
def test_mean_and_quantiles_are_those_of_numpy(rows):
    """Of what is finite; a column of which nothing is has neither."""
    observed = Observed("p", "abc")
    look(observed, rows)

    figures = observed.figures()

    finite = np.isfinite(rows)
    assert figures.seen == len(rows)
    assert figures.recent.tolist() == finite.sum(axis=0).tolist()
    assert figures.missing.tolist() == (~finite).sum(axis=0).tolist()
    for place, column in enumerate(np.where(finite, rows, np.nan).T):
        there = column[np.isfinite(column)]
        wanted = [np.nan] * len(QUANTILES) if not there.size else np.quantile(there, QUANTILES)
        np.testing.assert_allclose(figures.quantiles[:, place], wanted, rtol=1e-9, atol=1e-6)
        np.testing.assert_allclose(figures.mean[place], there.mean() if there.size else np.nan, rtol=1e-9, atol=1e-6)


def test_all_values_of_a_horizon_count_and_the_row_once():
    """A row of which one is missing is missing one."""
    observed = Observed("p", ["forecast"], width=3)
    observed.look(np.array([[[1.0, 2.0, 3.0]], [[4.0, np.nan, 6.0]]]))

    figures = observed.figures()

    assert (figures.seen, figures.missing.tolist(), figures.recent.tolist()) == (2, [1], [1])
    assert figures.mean[0] == pytest.approx(3.2)
    assert figures.quantiles[QUANTILES.index(0.5), 0] == 3.0


def test_a_long_horizon_is_looked_at_from_its_beginning_to_its_end():
    """A week of hours costs no more than a day."""
    observed = Observed("p", ["forecast"], width=168)
    observed.look(np.arange(168.0).reshape(1, 1, 168))

    figures = observed.figures()

    assert observed._ring.shape == (RING, 1, WIDTH)
    assert figures.mean[0] == pytest.approx(83.5, abs=1)


def test_a_large_request_counts_by_rows_from_all_of_it():
    """A hundred entities are no hundred requests."""
    observed = Observed("p", ["a"])
    observed.look(np.arange(100.0).reshape(100, 1))

    figures = observed.figures()

    assert figures.seen == ROWS
    assert figures.mean[0] == pytest.approx(37.5)


def test_requests_in_between_are_not_looked_at(clock):
    """However many come."""
    observed = Observed("p", ["a"], interval=0.5, clock=clock)
    assert observed.due
    observed.look(np.ones((1, 1)))
    assert not observed.due

    clock.now += 0.5

    assert observed.due


def test_old_rows_are_of_the_past(clock):
    """Without a newer one there is no mean; what was counted stays."""
    observed = Observed("p", ["a"], clock=clock)
    look(observed, np.array([[1.0], [np.nan]]))
    clock.now += AGE / 2
    look(observed, np.array([[3.0]]))

    clock.now += AGE / 2 + 1
    assert observed.figures().mean.tolist() == [3.0]

    clock.now += AGE
    figures = observed.figures()
    assert (figures.seen, figures.missing.tolist(), figures.recent.tolist()) == (3, [1], [0])
    assert np.isnan(figures.mean[0])


def test_the_newest_rows_replace_the_oldest():
    """The memory is what it was."""
    observed = Observed("p", ["a"])
    look(observed, np.arange(RING + 10.0).reshape(-1, 1))

    figures = observed.figures()

    assert (figures.seen, figures.recent.tolist()) == (RING + 10, [RING])
    assert figures.mean[0] == pytest.approx(np.arange(10, RING + 10).mean())


def test_threads_look_and_sum_up_at_once():
    """Each row counts once."""
    observed = Observed("p", ["a", "b"], interval=0)
    threads = [threading.Thread(target=look, args=(observed, np.full((500, 2), value))) for value in (1.0, 2.0, np.nan)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        figures = observed.figures()
        assert figures.missing[0] <= figures.seen <= 1500
    for thread in threads:
        thread.join()

    assert (observed.figures().seen, observed.figures().missing.tolist()) == (1500, [500, 500])


def samples(observations):
    """What a scrape shows, by metric and labels."""
    return {
        (sample.name.removeprefix("twinpin_observed_"), *sample.labels.values()): sample.value
        for family in observations.collect()
        for sample in family.samples
    }


def test_each_pair_has_its_own_series():
    """Two are loaded while one follows the other."""
    observations, pairs = Observations(), [Observed(name, ["a"]) for name in ("p1", "p2")]
    for value, each in enumerate(pairs):
        observations.add(each)
        each.look(np.full((1, 1), float(value)))

    found = samples(observations)

    assert (found["mean", "p1", "a"], found["mean", "p2", "a"]) == (0.0, 1.0)
    assert found["quantile", "p2", "a", "0.95"] == 1.0
    assert found["recent", "p1", "a"] == found["values_total", "p1", "a"] == 1.0


def test_without_a_value_there_is_no_mean_and_without_a_pair_no_metric():
    """A graph has a gap there; 0 would be a lie."""
    observations, observed = Observations(), Observed("p1", ["a"])
    assert not samples(observations)

    observations.add(observed)
    observed.look(np.full((1, 1), np.nan))

    assert samples(observations) == {
        ("values_total", "p1", "a"): 1.0,
        ("missing_total", "p1", "a"): 1.0,
        ("recent", "p1", "a"): 0.0,
    }


def test_a_pair_that_is_loaded_anew_takes_the_place_of_itself():
    """Prometheus refuses two samples of one name, and what the old one ends with does not take the new one out."""
    observations, old, new = Observations(), Observed("p1", ["a"]), Observed("p1", ["a"])
    for each in (old, new):
        observations.add(each)
    new.look(np.ones((1, 1)))

    observations.remove(old)
    assert samples(observations)["mean", "p1", "a"] == 1.0

    observations.remove(new)
    assert not samples(observations)


def test_what_nobody_has_any_more_is_gone():
    """A pair whose other half could not be loaded is never closed."""
    observations, observed = Observations(), Observed("p1", ["a"])
    observations.add(observed)

    del observed
    gc.collect()

    assert not samples(observations)
