"""A temporary fault is tried again until the deadline, and told once."""

import pytest

from twinpin.pair import patience
from twinpin.pair.errors import HalfMoved, Refused
from twinpin.pair.patience import patiently


@pytest.fixture(autouse=True)
def brisk(monkeypatch):
    """Wait milliseconds where a pod waits seconds."""
    monkeypatch.setattr(patience, "FIRST", 0.002)
    monkeypatch.setattr(patience, "LONGEST", 0.005)


def test_each_try_is_heard_and_each_fault_is_logged_once(caplog):
    """Who hears decides what to do with the same again; the log's tail must hold more than one of them."""
    left, heard = ["a"] * 5 + ["b"] * 3, []

    def attempt():
        if left:
            raise HalfMoved(left.pop(0))
        return "done"

    assert patiently(attempt, 60.0, heard.append) == "done"
    assert [error.message for error in heard] == ["a"] * 5 + ["b"] * 3
    assert [record.message.split(" Trying")[0] for record in caplog.records] == ["a.", "b."]


def test_the_last_fault_is_raised_with_its_mend():
    """It says how long it was tried, whether or not its cause ended in a full stop."""
    heard = []

    def attempt():
        raise HalfMoved("It is half", mend="promote")

    with pytest.raises(HalfMoved, match=r"^It is half\. Gave up after 0 s\.$") as caught:
        patiently(attempt, 0.02, heard.append)

    assert caught.value.mend == "promote"
    assert heard


def test_what_is_permanent_is_raised_at_once():
    """And heard like the others."""
    heard = []

    def attempt():
        raise Refused("no")

    with pytest.raises(Refused):
        patiently(attempt, 60.0, heard.append)

    assert [type(error) for error in heard] == [Refused]
