"""What a pod tells about itself fits into an event, and never stops it."""

from datetime import UTC, datetime

import pytest

from twinpin.pair.errors import Denied, HalfMoved, Unreachable
from twinpin.pair.events import ROOM, Pod, PodEvents, Unheard, open_events, shortened
from twinpin.pair.pin import Half, Pin


class Cluster:
    """A cluster that takes events, or raises *fault*."""

    namespace = "shop"

    def __init__(self):
        self.fault = None
        self.taken = []

    def create(self, resource, document):
        """Take one."""
        if self.fault:
            raise self.fault
        self.taken.append((resource, document))
        return document


@pytest.fixture
def cluster():
    """One that works."""
    return Cluster()


@pytest.fixture
def events(cluster):
    """The events of a pod in it."""
    return PodEvents(cluster, Pod("forecast-0", "shop", "1-2-3"))


def test_an_event_is_one_of_the_pod(events, cluster):
    """So that `kubectl describe pod` finds it: by name, namespace and uid."""
    events.trouble(HalfMoved("The alias is on two pairs.", mend="twinpin promote --repair"))
    (resource, document), *_ = cluster.taken

    assert resource == "events"
    assert document["metadata"] == {"generateName": "forecast-0.", "namespace": "shop"}
    assert document["involvedObject"] == {
        "apiVersion": "v1",
        "kind": "Pod",
        "name": "forecast-0",
        "namespace": "shop",
        "uid": "1-2-3",
    }
    assert (document["type"], document["reason"]) == ("Warning", "HalfMoved")
    assert document["message"] == "The alias is on two pairs. Mend: twinpin promote --repair"


def test_one_is_written_when_the_message_changes(events, cluster):
    """There and back is two changes; the same again is none."""
    for message in ("a", "a", "b", "b", "a"):
        events.trouble(HalfMoved(message))
    half = Half(name="p", version="1", run_id=None, digest="sha256:0")
    pin = Pin(
        id="p1-m1-000000",
        rollout="r1",
        alias="production",
        preprocessor=half,
        model=half,
        evidence="run",
        created=datetime.now(UTC),
    )
    events.pinned(pin)

    assert [document["message"] for _, document in cluster.taken[:3]] == ["a", "b", "a"]
    assert [(document["type"], document["reason"]) for _, document in cluster.taken[3:]] == [("Normal", "Pinned")]


def test_one_that_was_not_taken_is_told_again_where_that_may_help(events, cluster, caplog):
    """Quietly where the cluster is away, which the start itself meets; a right that is missing is named once."""
    cluster.fault = Unreachable("away")
    events.trouble(HalfMoved("a"))
    cluster.fault = None
    events.trouble(HalfMoved("a"))
    cluster.fault = Denied("may not create events")
    for message in "bbcc":
        events.trouble(HalfMoved(message))

    assert [document["message"] for _, document in cluster.taken] == ["a"]
    assert [record.message for record in caplog.records] == ["Cannot write an event: may not create events"]


@pytest.mark.parametrize("sentence", ["s" * 5000, "ö" * 700, "€" * 999])
def test_a_long_sentence_makes_room_for_what_mends_it(sentence):
    """Bytes count, and no character is cut in two."""
    text = shortened(sentence, "twinpin promote --repair")

    assert len(text.encode()) <= ROOM
    assert text.endswith("… Mend: twinpin promote --repair")
    assert shortened(sentence[:100], "x") == f"{sentence[:100]} Mend: x"
    assert len(shortened("s", "m" * 5000).encode()) <= ROOM


@pytest.mark.parametrize("missing", ["POD_NAME", "POD_NAMESPACE", "POD_UID"])
def test_who_does_not_know_its_pod_tells_nobody(monkeypatch, missing):
    """All three, or `kubectl describe pod` would not find it."""
    for name in ("POD_NAME", "POD_NAMESPACE", "POD_UID"):
        monkeypatch.setenv(name, "x")
    known = open_events()
    monkeypatch.delenv(missing)

    assert isinstance(known, PodEvents)
    assert isinstance(open_events(), Unheard)
