"""The record that processes agree by: whoever writes against an old version writes nothing."""

import datetime as dt
import threading

import pytest
from follow_world import START, pin_of

from twinpin.follow.conditions import described
from twinpin.follow.entries import moved, noted, refused
from twinpin.follow.file_record import FileRecord
from twinpin.follow.kube_record import RESOURCE, KubeRecord
from twinpin.pair.errors import NoOwner, Refused
from twinpin.pair.version import Versions
from twinpin.rollout.snapshot import Aliased, NoPair


class Server:
    """An API server with one PairedGraph; *drops* are fields of its status that its definition does not know."""

    namespace = "shop"

    def __init__(self, *, drops=()):
        self.drops, self.events = drops, []
        metadata = {"name": "sea", "uid": "u1", "resourceVersion": "1", "annotations": {"twinpin.dev/retry": "now"}}
        self.found = {"metadata": metadata, "spec": {"keep": 2, "pollSeconds": 3, "paused": True}}

    def get(self, resource, name):
        """Read it."""
        return self.found if (resource, name) == (RESOURCE, "sea") else None

    def create(self, resource, document):
        """Keep an event."""
        self.events.append((resource, document))
        return document

    def patch_status(self, resource, name, change):
        """Write it, of the version alone that the change names."""
        if change["metadata"]["resourceVersion"] != self.found["metadata"]["resourceVersion"]:
            return None
        metadata = {**self.found["metadata"], "resourceVersion": str(int(change["metadata"]["resourceVersion"]) + 1)}
        status = {name: each for name, each in change["status"].items() if name not in self.drops and each is not None}
        self.found = {**self.found, "metadata": metadata, "status": status}
        return self.found


@pytest.fixture(params=["file", "cluster"])
def record(request, tmp_path):
    """Either record."""
    return FileRecord(tmp_path / "r1.record.json", 1, 5.0) if request.param == "file" else KubeRecord(Server(), "sea")


def test_what_is_written_is_read_back(record):
    """The Pin with it."""
    seen = record.read()

    assert seen.pin is None
    assert record.write(moved(seen, pin_of(2), START, "somebody"), seen)
    assert record.read().pin == pin_of(2)
    assert record.read().status.history[0].moved_by == "somebody"


def test_of_two_that_saw_the_same_one_writes(record):
    """The other one has to look again."""
    seen = record.read()

    assert record.write(moved(seen, pin_of(2), START), seen)
    assert not record.write(moved(seen, pin_of(3), START), seen)
    assert record.read().pin == pin_of(2)


def test_many_processes_that_share_a_file_write_one_after_the_other(tmp_path):
    """Each write that says it was done is there."""
    done = []

    def write(number):
        """Write until it was done."""
        mine = FileRecord(tmp_path / "shared.json", 1, 5.0)
        while True:
            seen = mine.read()
            if mine.write(moved(seen, pin_of(number), START), seen):
                done.append(number)
                return

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = FileRecord(tmp_path / "shared.json", 1, 5.0).read()

    assert sorted(done) == list(range(8))
    assert int(last.version) == 8
    assert last.pin in [pin_of(number) for number in range(8)]


def test_a_file_that_somebody_edited_is_refused(tmp_path):
    """It is not taken for an empty record, which would start from the alias."""
    (tmp_path / "r1.json").write_text("{}")

    with pytest.raises(Refused, match="somebody edited it"):
        FileRecord(tmp_path / "r1.json", 1, 5.0).read()


def test_wishes_come_from_the_cluster():
    """So `kubectl edit` changes them without a restart."""
    seen = KubeRecord(Server(), "sea").read()

    assert (seen.keep, seen.interval, seen.paused, seen.retry) == (2, 3, True, "now")


def test_a_release_that_is_not_there_is_named():
    """With its namespace."""
    with pytest.raises(NoOwner, match="no PairedGraph other in namespace shop"):
        KubeRecord(Server(), "other").read()


def test_a_definition_that_is_too_old_to_hold_a_pin_is_told():
    """Helm does not upgrade definitions, and a Pin that is dropped would be written for ever."""
    record = KubeRecord(Server(drops=("pin",)), "sea")
    seen = record.read()

    with pytest.raises(Refused, match="dropped the Pin") as caught:
        record.write(moved(seen, pin_of(2), START), seen)
    assert "kubectl apply" in caught.value.mend


def test_an_event_is_on_the_record():
    """`kubectl describe pairedgraph` shows it."""
    server = Server()
    record = KubeRecord(server, "sea")
    record.read()
    record.tell("Warning", "Rejected", "p4-m4 is left alone.")
    (resource, event) = server.events[0]

    assert resource == "events"
    assert event["involvedObject"]["uid"] == "u1"
    assert (event["type"], event["reason"], event["message"]) == ("Warning", "Rejected", "p4-m4 is left alone.")


def seen_with(tmp_path, status):
    """A record that says this."""
    record = FileRecord(tmp_path / "r1.json", 1, 5.0)
    record.write(status, record.read())
    return record.read()


def conditions(seen, alias):
    """Status and reason of each condition."""
    found = described(seen, alias, START + dt.timedelta(seconds=5)).conditions
    return {each.type: (each.status, each.reason) for each in found}


def test_conditions_tell_what_is_behind_the_alias(tmp_path):
    """In sync, half moved, unreachable, refused."""
    empty = FileRecord(tmp_path / "r0.json", 1, 5.0).read()
    seen = seen_with(tmp_path, moved(empty, pin_of(2), START))
    pair, other = Versions("2", "2"), Versions("3", "3")
    left = seen_with(tmp_path, refused(seen, other, "WrongForecast", "no", START))

    assert conditions(seen, Aliased(pair))["Progressing"] == ("False", "InSync")
    assert conditions(seen, Aliased(other))["Progressing"] == ("True", "Behind")
    assert conditions(seen, NoPair("HalfMoved", "half"))["PairAccepted"] == ("False", "HalfMoved")
    assert conditions(seen, NoPair("HalfMoved", "half"))["RegistryReachable"] == ("True", "Answers")
    assert conditions(seen, NoPair("Unreachable", "down"))["RegistryReachable"] == ("False", "Unreachable")
    assert conditions(seen, NoPair("Unreachable", "down"))["PairAccepted"] == ("Unknown", "Unreachable")
    assert conditions(left, Aliased(other))["PairAccepted"] == ("False", "WrongForecast")
    assert conditions(left, Aliased(other))["Progressing"] == ("False", "Rejected")
    assert conditions(seen, Aliased(pair))["Ready"] == ("True", "Serving")


def test_a_refusal_holds_until_the_alias_moves_away(tmp_path):
    """Not while it cannot be read, and not only because it is half moved."""
    seen = seen_with(
        tmp_path, refused(FileRecord(tmp_path / "r0", 1, 5.0).read(), Versions("3", "3"), "Bad", "no", START)
    )

    assert noted(seen, Aliased(Versions("3", "3"))).rejection("p3-m3")
    assert noted(seen, NoPair("Unreachable", "down")).rejection("p3-m3")
    assert noted(seen, NoPair("HalfMoved", "half")).rejection("p3-m3")
    assert noted(seen, Aliased(Versions("2", "2"))).rejection("p3-m3") is None
