"""Each write of a front is told for what it was."""

import pytest

from twinpin.rollout.actions import Switch
from twinpin.rollout.snapshot import Front, Route
from twinpin.rollout.telling import SWITCHES, of_switch

A, B, C = "p1-m1-aaaaaa", "p2-m2-bbbbbb", "p3-m3-cccccc"
CANARY = Route(A, B, 10)

CASES = [
    (None, Route(A), "Switched"),
    (Route(A), Route(B), "Switched"),
    (Route(A), CANARY, "CanaryStarted"),
    (CANARY, Route(A, C, 10), "CanaryStarted"),
    (CANARY, Route(A, B, 50), "CanaryChanged"),
    (CANARY, Route(B), "CanaryPromoted"),
    (CANARY, Route(A), "CanaryEnded"),
    (Route(A), Route(A), "Updated"),
]


@pytest.mark.parametrize(("before", "after", "reason"), CASES)
def test_a_write_is_told_by_what_changes_for_requests(before, after, reason):
    """From where to where."""
    told = of_switch(Switch(Front("sales", before, version="1"), after))

    assert told.kind == "Normal"
    assert told.reason == reason
    assert told.message.startswith("sales sends ")


@pytest.mark.parametrize("after", [Route(A), CANARY])
def test_a_front_that_somebody_wrote_is_put_back(after):
    """With a warning, since requests may have gone elsewhere meanwhile."""
    told = of_switch(Switch(Front("sales", None, edited=True, version="1"), after))

    assert (told.kind, told.reason) == ("Warning", "PutBack")
    assert after.label in told.message


def test_there_is_no_other_reason():
    """What counts them knows them all."""
    assert {reason for _, _, reason in CASES} | {"PutBack"} == set(SWITCHES)
