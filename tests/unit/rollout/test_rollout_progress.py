"""When a person who watches a rollout has seen its end."""

import datetime as dt

import pytest

from twinpin.rollout.progress import Progress, ended, lines, shared, trouble
from twinpin.rollout.resource import Candidate, Condition, Rejection, Resource, Serving, Status

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
A, B = "p1-m1-aaaaaa", "p2-m2-bbbbbb"
CANDIDATE = Candidate(versions="p2-m2", rollout=B, pair=B, since=NOW, moved_by="ann")
REJECTED = Rejection(pair=B, versions="p2-m2", reason="NeverReady", message="It is late.", at=NOW, template="t")


def condition(kind, status, reason, message=""):
    """One condition."""
    return Condition(type=kind, status=status, reason=reason, message=message, last_transition_time=NOW)


def resource(reason, *, working=True, accepted=None, **changes):
    """A release in which A serves, with what its controller is at; what was asked for goes beside its record."""
    asked = {word: changes.pop(word) for word in ("retry", "abort", "promote") if word in changes}
    conditions = [condition("Progressing", str(working), reason)]
    conditions += [condition("PairAccepted", "False", *accepted)] if accepted else []
    stable = Serving(pair=A, rollout=A, since=NOW)
    return Resource(version="1", status=Status(**{"stable": stable, "conditions": conditions, **changes}), **asked)


@pytest.mark.parametrize(
    ("found", "over"),
    [
        (Resource(version="1"), False),
        (resource("InSync", working=False), False),
        (resource("NotReady", candidate=CANDIDATE), False),
        (resource("RouterRolling", stable=Serving(pair=B, rollout=B, since=NOW)), False),
        (resource("Draining", stable=Serving(pair=B, rollout=B, since=NOW)), True),
        (resource("Rejected", rejected=(REJECTED,)), True),
        (resource("Rejected", rejected=(REJECTED,), retry="now"), False),
        (resource("Canary", candidate=CANDIDATE, percent=10), True),
        (resource("Canary", candidate=CANDIDATE, percent=10, promote=f"{B}@now"), False),
        (resource("Paused", candidate=CANDIDATE), True),
    ],
)
def test_it_ends_when_the_pair_behind_the_alias_serves_or_does_not_get_to(found, over):
    """That the pair before is in sync says nothing: the controller may not have seen yet that the alias moved."""
    assert ended(found, "p2-m2") is over


def test_without_a_pair_to_look_for_the_record_alone_says_when_it_ends():
    """The registry cannot be asked from everywhere; an alias that is half moved is not the end of anything."""
    assert ended(resource("InSync", working=False))
    assert ended(resource("NoAlias", working=False))
    assert not ended(resource("HalfMoved", working=False))


def test_a_share_is_there_when_every_router_has_it():
    """Or when the candidate is none any more."""
    assert not shared(resource("Canary", candidate=CANDIDATE, percent=10), 50)
    assert not shared(resource("RouterRolling", candidate=CANDIDATE, percent=50), 50)
    assert shared(resource("Canary", candidate=CANDIDATE, percent=50), 50)
    assert shared(resource("Rejected", rejected=(REJECTED,)), 50)


def test_each_state_is_told_once():
    """Looks come every second."""
    progress = Progress()

    assert progress.news(resource("Applying")) == "Applying"
    assert progress.news(resource("Applying")) == ""
    assert progress.news(resource("Probing")) == "Probing"


def test_it_says_what_serves_and_what_is_on_its_way():
    """With its share and who moved the alias."""
    told = list(lines(resource("Canary", candidate=CANDIDATE, percent=10, kept=("p0-m0-000000",)).status))

    assert told == [f"serving:   {A}", f"candidate: {B}, 10 of 100 requests, moved by ann", "kept warm: p0-m0-000000"]


def test_trouble_is_why_the_pair_behind_the_alias_does_not_serve():
    """None while it may come to serve."""
    found = resource("Rejected", accepted=("NeverReady", "It is late."))

    assert trouble(found.status).message == "It is late."
    assert trouble(resource("InSync").status) is None
