"""Promotions and rollbacks in a row under a load of every kind: none is lost, and no answer is of two pairs."""

import pytest
from cluster_load import load
from cluster_moves import assert_apart, summed

pytestmark = [pytest.mark.cluster, pytest.mark.steady, pytest.mark.timeout(1800)]

#: Clients, and the requests a second that they ask together while answers take less than a second.
STEADY = {"clients": 60, "rate": 60}
#: Requests a second that came to be: on a machine that is busy otherwise some answers take longer.
ASKED = 40
#: Promotions in a row, and then as many rollbacks.
SERIES = (3, 3, 4)


def test_promotions_and_rollbacks_in_a_row_lose_and_mix_nothing(moving, questions, measured):
    """Pairs that never ran come live by `twinpin promote`, and each goes again by `twinpin rollback`."""
    home, pairs = moving.release.pair, moving.newcomers(sum(SERIES))
    assert_apart([home, *pairs], [questions.row(1), questions.row(2)])
    with load(moving.release.namespace, questions.mixed(moving.release, *pairs), **STEADY) as seen:
        moves = list(moved(moving, home, pairs, seen))
    measured("10 promotions and 10 rollbacks", seen.told())
    for verb in ("promotion", "rollback"):
        mine = [move for move in moves if move.verb == verb]
        measured(f"{verb}: alias to first answer by the new pair", summed(move.first(seen, moves) for move in mine))
        measured(f"{verb}: alias to last answer by the old pair", summed(move.last(seen, moves) for move in mine))

    assert (seen.lost, seen.mixed) == (0, 0), seen.told()
    assert seen.report["rate"] >= ASKED


def moved(moving, home, pairs, seen):
    """Move to some pairs one after another, then back through them, and so on with the others; gives each move.

    The next move comes as soon as the pair of the one before was seen to answer, whatever else is still going on.
    """
    left = iter(pairs)
    for length in SERIES:
        series = [next(left) for _ in range(length)]
        for pair in series:
            yield moving.promote(pair, seen)
        # The pair before the last is the next to come back: its routers must be gone, or nobody could tell which of
        # its answers was the last one.
        moving.release.await_routers()
        for pair in reversed([home, *series[:-1]]):
            yield moving.rollback(pair, seen)
