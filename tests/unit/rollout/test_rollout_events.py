"""Events tell what happened, and not over and over."""

import pytest

from twinpin.rollout.kube_events import QUIET, ROOM, KubeEvents


class Recorder:
    """An API server's ear."""

    namespace = "demo"

    def __init__(self):
        self.written = []

    async def create(self, document):
        """Keep what is written."""
        self.written.append(document)


@pytest.fixture
def api():
    """Where events go."""
    return Recorder()


@pytest.fixture
def clock():
    """A clock that a test sets."""
    return [0.0]


@pytest.fixture
def events(api, clock):
    """Events of one release."""
    return KubeEvents(api, "sales", clock=lambda: clock[0])


async def test_an_event_names_the_resource(api, events):
    """As kubectl describe looks for it."""
    await events.tell("u1", "Normal", "Switched", "sales sends to p1.")

    (written,) = api.written
    assert written["involvedObject"] == {
        "apiVersion": "twinpin.dev/v1alpha1",
        "kind": "PairedGraph",
        "name": "sales",
        "namespace": "demo",
        "uid": "u1",
    }
    assert (written["type"], written["reason"], written["message"]) == ("Normal", "Switched", "sales sends to p1.")


async def test_the_same_sentence_is_told_once_a_minute(api, events, clock):
    """Somebody else writes the graph every second."""
    for second in range(int(QUIET) + 2):
        clock[0] = float(second)
        await events.tell("u1", "Warning", "PutBack", "sales sends to p1 again.")

    assert len(api.written) == 2


async def test_there_and_back_is_all_told(api, events):
    """However fast the alias moves."""
    for pair in ("p1", "p2", "p1"):
        await events.tell("u1", "Normal", "Switched", f"sales sends to {pair}.")
        await events.tell("u1", "Normal", "Retired", f"p0 is removed for {pair}.")

    assert len(api.written) == 6


async def test_what_could_not_be_told_is_told_the_next_time(api, events, monkeypatch):
    """The API server was away."""

    async def refuse(_document):
        raise OSError("away")

    with monkeypatch.context() as patch:
        patch.setattr(api, "create", refuse)
        with pytest.raises(OSError, match="away"):
            await events.tell("u1", "Normal", "Switched", "sales sends to p1.")
    await events.tell("u1", "Normal", "Switched", "sales sends to p1.")

    assert len(api.written) == 1


async def test_a_long_sentence_is_cut_between_letters(api, events):
    """An event has room for so many bytes."""
    await events.tell("u1", "Warning", "Rejected", "ä" * ROOM)

    assert len(api.written[0]["message"].encode()) == ROOM
