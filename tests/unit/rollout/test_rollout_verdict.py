"""When a canary's figures are bad enough to end it."""

import pytest

from twinpin.rollout.verdict import Counted, Limits, verdict

STABLE = Counted(requests=9000, errors=9, seconds=90.0)


@pytest.mark.parametrize(
    ("canary", "word"),
    [
        (Counted(1000, 1, 10.0), None),
        (Counted(99, 99, 1.0), None),
        (Counted(1000, 8, 10.0), None),
        (Counted(1000, 50, 10.0), "50 of 1000"),
        (Counted(1000, 1, 19.0), None),
        (Counted(1000, 1, 30.0), "takes 0.030 s"),
    ],
)
def test_a_canary_ends_when_it_is_worse_than_chance_allows(canary, word):
    """Few requests, few errors more and a little slowness are borne."""
    said = verdict(STABLE, canary, Limits())

    assert said is None if word is None else word in said


def test_a_difference_that_chance_explains_is_borne():
    """Three failures of a hundred are no proof beside two of a hundred."""
    assert verdict(Counted(100, 1, 1.0), Counted(100, 4, 1.0), Limits()) is None


def test_without_a_stable_chain_to_compare_to_nothing_is_said():
    """The first pair is judged by its probe alone."""
    assert verdict(Counted(0, 0), Counted(1000, 900, 1.0), Limits()) is None
