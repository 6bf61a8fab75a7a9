"""One look in, one step out: the rules one by one."""

import dataclasses
import datetime as dt

import pytest
from rollout_cluster import GRAPH, MANIFESTS

from twinpin.pair.pin import Half, Pin
from twinpin.pair.version import Versions
from twinpin.rollout.actions import Apply, Drop, MakePin, Probe, Record, Reject, Retire, Switch, Wait
from twinpin.rollout.decide import decide
from twinpin.rollout.resource import (
    Canary,
    Candidate,
    Count,
    Forecasts,
    Limits,
    Period,
    Rejection,
    Resource,
    Serving,
    Spec,
    Status,
)
from twinpin.rollout.snapshot import Aliased, Front, NoPair, Part, Rollout, Route, Sender, Snapshot
from twinpin.rollout.template import Template

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
TEMPLATE = Template(MANIFESTS, GRAPH)
A, B = "p1-m1-aaaaaa", "p2-m2-bbbbbb"
DOWN = NoPair("Unreachable", "The registry does not answer.")
HALF_MOVED = NoPair("HalfMoved", "The alias is on halves of two pairs.")


def versions(number):
    """Both halves of one number."""
    return Versions(str(number), str(number))


def rollout(name, **changes):
    """A rollout that is whole and ready."""
    number = name[1]
    halves = (Half(name=each, version=number, run_id=None, digest="sha256:0") for each in ("preprocessor", "model"))
    pin = Pin(
        id=name,
        rollout=name,
        alias="production",
        preprocessor=next(halves),
        model=next(halves),
        evidence="tag",
        created=NOW,
    )
    parts = tuple(Part(kind, each, f"u-{each}", digest) for (kind, each), digest in TEMPLATE.digests(name).items())
    whole = Rollout(name, pin, (*parts, Part("ConfigMap", name, f"u-{name}")), ready=True, serving=True)
    return dataclasses.replace(whole, **changes)


def front(to, **changes):
    """The graph as we wrote it."""
    whole = Front("f", to, to.rollouts, version="1", generation=1)
    return dataclasses.replace(whole, **changes)


def look(alias, *rollouts, fronts=None, senders=None, spec=None, now=NOW, figures=None, **status):
    """A look at a release in which A serves, with a record that is up to date but for what is told."""
    fronts = (front(Route(A)),) if fronts is None else fronts
    record = {"stable": Serving(pair=A, rollout=A, since=NOW), "generations": {"f": 1}, **status}
    return Snapshot(
        now=now,
        fronts=fronts,
        senders=(Sender("router", frozenset({A}), answers_for="f"),) if senders is None else senders,
        resource=Resource(version="1", spec=spec or Spec(), status=Status(**record)),
        alias=alias if isinstance(alias, NoPair) else Aliased(versions(alias)),
        rollouts={each.name: each for each in rollouts},
        template=TEMPLATE,
        figures=figures,
    )


def step(seen):
    """The step that follows once the record is written."""
    first = decide(seen)
    if not isinstance(first, Record):
        return first
    known = dataclasses.replace(seen, resource=seen.resource.model_copy(update={"status": first.status}))
    return decide(known)


def candidate(**changes):
    """B on its way, probed."""
    fields = {"versions": "p2-m2", "rollout": B, "pair": B, "since": NOW, "probed": TEMPLATE.digest, **changes}
    return Candidate(**fields)


def test_the_record_is_written_before_anything_is_done():
    """A step never rests on what one process alone knows, and the next look finds the record up to date."""
    seen = look(2, rollout(A))

    first = decide(seen)

    assert isinstance(first, Record)
    assert first.status.candidate.versions == "p2-m2"
    assert step(seen) == MakePin(versions(2))


def test_a_pair_that_serves_is_left_alone():
    """Nothing is on its way."""
    assert step(look(1, rollout(A))) == Wait("InSync", "The pair behind the alias serves.")


@pytest.mark.parametrize(
    ("of_b", "probed", "expected"),
    [
        ({"parts": ()}, None, Apply(B)),
        ({"ready": False, "message": "0 of 1"}, None, "NotReady"),
        ({"ready": False, "fault": "resolve: refused"}, None, Reject("NotLoading", "resolve: refused")),
        ({}, None, Probe(B)),
        ({}, "another template", Probe(B)),
        ({}, TEMPLATE.digest, Route(B)),
    ],
)
def test_a_candidate_goes_step_by_step(of_b, probed, expected):
    """Objects, ready, probe, and only then the graph."""
    found = step(look(2, rollout(A), rollout(B, **of_b), candidate=candidate(probed=probed)))

    if isinstance(expected, str):
        assert found.reason == expected
    else:
        assert (found.route if isinstance(found, Switch) else found) == expected


@pytest.mark.parametrize("alias", [DOWN, HALF_MOVED])
def test_nothing_is_switched_while_the_alias_cannot_be_read(alias):
    """The candidate is ready and waits."""
    found = step(look(alias, rollout(A), rollout(B), candidate=candidate()))

    assert isinstance(found, Wait)
    assert found.reason == alias.reason


def test_a_candidate_that_is_late_is_rejected():
    """Its time is over, and the message says what it lacked."""
    late = NOW + dt.timedelta(seconds=Spec().progress_deadline)
    seen = look(2, rollout(A), rollout(B, ready=False, message="0/1 nodes have room."), candidate=candidate())

    first = decide(dataclasses.replace(seen, now=NOW))
    known = seen.resource.model_copy(update={"status": first.status})
    found = step(dataclasses.replace(seen, resource=known, now=late))

    assert isinstance(found, Reject)
    assert found.reason == "NeverReady"
    assert "0/1 nodes have room." in found.message


def test_a_candidate_is_not_blamed_while_the_registry_is_down():
    """Its pods may be waiting for their artifacts."""
    late = NOW + dt.timedelta(days=1)

    found = step(look(DOWN, rollout(A), rollout(B, ready=False), candidate=candidate(), now=late))

    assert isinstance(found, Wait)


def rejection(**changes):
    """B, which was rejected."""
    fields = {"pair": B, "versions": "p2-m2", "reason": "WrongForecast", "message": "It was wrong.", "at": NOW}
    return Rejection(**fields, template=TEMPLATE.digest, **changes)


def test_a_rejected_pair_is_left_alone():
    """The one before serves on."""
    found = step(look(2, rollout(A), rejected=(rejection(),)))

    assert isinstance(found, Wait)
    assert found.reason == "Rejected"


def test_a_rejected_pair_is_tried_again_once_the_alias_was_elsewhere():
    """Moving it away and back is how a person says so."""
    away = decide(look(1, rollout(A), rejected=(rejection(),)))

    assert isinstance(away, Record)
    assert not away.status.rejected[0].active
    assert step(look(2, rollout(A), rejected=away.status.rejected)) == MakePin(versions(2))


def test_a_rejected_pair_is_tried_again_under_another_template():
    """What failed may have been the template's memory limit."""
    old = rejection().model_copy(update={"template": "older"})

    assert step(look(2, rollout(A), rejected=(old,))) == MakePin(versions(2))


def test_a_person_may_ask_for_another_try():
    """Each request counts once."""
    seen = look(2, rollout(A), rejected=(rejection(),))
    asked = dataclasses.replace(seen, resource=seen.resource.model_copy(update={"retry": "now"}))

    assert step(asked) == MakePin(versions(2))


def test_a_canary_gets_its_share_first():
    """And everything once the share is taken back."""
    both = (rollout(A), rollout(B))
    spec = Spec(canary=Canary(percent=10))
    on = (front(Route(A, B, 10)),)

    assert step(look(2, *both, spec=spec, candidate=candidate())).route == Route(A, B, 10)
    assert step(look(2, *both, spec=spec, candidate=candidate(), fronts=on)).reason == "Canary"
    assert step(look(2, *both, candidate=candidate(), fronts=on)).route == Route(B)


def test_a_canary_has_its_share_when_every_router_gives_it():
    """One that is ending may still send by the graph before, or by another share."""
    spec, route = Spec(canary=Canary(percent=10)), Route(A, B, 10)
    fronts = (front(route),)
    seen = look(2, rollout(A), rollout(B), candidate=candidate(), spec=spec, fronts=fronts, percent=10)
    new, old = Sender("new", route.rollouts, route.label), Sender("old", route.rollouts, Route(A, B, 50).label)

    rolling, there = (dataclasses.replace(seen, senders=senders) for senders in ((new, old), (new,)))

    assert step(rolling).reason == "RouterRolling"
    assert step(there).reason == "Canary"


def test_a_promoted_canary_gets_everything_and_the_next_one_its_share_again():
    """The wish is of one candidate: it is over when that one serves, or is a candidate no more."""
    spec, asked = Spec(canary=Canary(percent=10)), f"{B}@2026-01-01T00:00:00Z"
    seen = look(2, rollout(A), rollout(B), candidate=candidate(), spec=spec)
    promoted = dataclasses.replace(seen, resource=seen.resource.model_copy(update={"promote": asked}))
    later = look(1, rollout(A), rollout(B), spec=spec)
    later = dataclasses.replace(later, resource=later.resource.model_copy(update={"promote": asked}))

    assert step(seen).route == Route(A, B, 10)
    assert step(promoted).route == Route(B)
    assert decide(promoted).status.promoted == ""
    assert decide(later).status.promoted == asked


@pytest.mark.parametrize(
    ("verb", "served", "route"),
    [
        ("rollback", True, Route(B)),
        (None, True, Route(B)),
        ("promote", True, Route(A, B, 10)),
        ("rollback", False, Route(A, B, 10)),
        (None, False, Route(A, B, 10)),
    ],
)
def test_a_way_back_is_no_canary(verb, served, route):
    """Whoever returns to a pair that served before wants to be rid of the one that serves, and at once."""
    history = (Period(pair=B, rollout=B, start=NOW, end=NOW, outcome="Replaced" if served else "Rejected"),)
    spec = Spec(canary=Canary(percent=10))
    seen = look(2, rollout(A), rollout(B), history=history, spec=spec)
    seen = dataclasses.replace(seen, alias=Aliased(versions(2), "ann", verb))

    known = decide(seen).status
    probed = known.model_copy(update={"candidate": known.candidate.model_copy(update={"probed": TEMPLATE.digest})})
    found = step(dataclasses.replace(seen, resource=seen.resource.model_copy(update={"status": probed})))

    assert found.route == route


JUDGED = Spec(canary=Canary(percent=10, abort=Limits()))


def counts(errors, requests=1000, rollouts=(A, B)):
    """What a pod of each chain has counted: the stable one no error."""
    return tuple(
        Count(pod=each, rollout=each, step="f-predict", started=1.0, requests=requests, errors=errors * (each == B))
        for each in rollouts
    )


def canary_look(figures, now=NOW, spec=JUDGED, **status):
    """A look at a canary that gets its share."""
    fronts = (front(Route(A, B, 10)),)
    both = rollout(A), rollout(B)
    return look(2, *both, spec=spec, candidate=candidate(), fronts=fronts, figures=figures, now=now, **status)


def watched_since(figures, now=NOW):
    """The record's word on the figures from which on a canary is judged."""
    return decide(canary_look(figures, now)).status.watch


def test_a_canary_with_bad_figures_is_rejected():
    """With the sentence of the verdict; what pods had counted before does not count."""
    watch = watched_since(counts(500))

    found = step(canary_look(counts(500 + 90, 2000), watch=watch, percent=10))

    assert found == Reject(
        "Judged", "90 of 1000 requests to f-predict failed in the canary, 0 of 1000 in the stable chain."
    )


def test_a_canary_with_good_figures_goes_on():
    """And its record does not change with every look."""
    watch = watched_since(counts(0))
    first = decide(canary_look(counts(2, 2000), watch=watch, percent=10))

    again = canary_look(counts(3, 3000))
    again = dataclasses.replace(again, resource=again.resource.model_copy(update={"status": first.status}))

    assert decide(again).reason == "Canary"


def test_a_canary_is_judged_by_what_it_did_lately_too():
    """A fault that comes late would drown in what went well before."""
    late = NOW + dt.timedelta(minutes=6)
    seen = canary_look(counts(0, 100_000), late, watch=watched_since(counts(0)), percent=10)
    watch = decide(seen).status.watch

    assert [each.at for each in watch.marks] == [NOW, late]
    assert isinstance(step(canary_look(counts(40, 100_500), late, watch=watch, percent=10)), Reject)


def test_without_limits_nothing_is_watched():
    """Whoever asks for no verdict gets none."""
    spec = Spec(canary=Canary(percent=10))

    found = decide(canary_look(None, spec=spec, percent=10, watch=watched_since(counts(0)))).status

    assert found.watch is None


def test_a_canary_says_whether_it_can_be_judged():
    """A pod whose metrics cannot be read does not count, and is named."""
    silent = Count(pod="f-predict-1", rollout=B, step="f-predict", silent=True)

    def condition(figures):
        status = decide(canary_look(figures, watch=watched_since(counts(0)), percent=10)).status
        return next(each for each in status.conditions if each.type == "CanaryHealthy")

    assert condition(counts(0, 1010)).reason == "TooFewRequests"
    assert condition(counts(0, 2000)).status == "True"
    assert "f-predict-1" in condition((*counts(0, 2000), silent)).message


def test_a_canary_that_should_be_judged_by_what_nobody_shows_says_so():
    """The limit would never hold."""
    spec = Spec(canary=Canary(percent=10, abort=Limits(drift=1.0)))
    watch = decide(canary_look(counts(0), spec=spec)).status.watch
    shown = Count(
        pod="f-predict-1",
        rollout=B,
        step="f-predict",
        started=1.0,
        forecasts=Forecasts(rows=1, lower=1, median=1, upper=1),
    )

    def reason(*more):
        figures = (*counts(0, 2000), *more)
        status = decide(canary_look(figures, spec=spec, watch=watch, percent=10)).status
        return next(each for each in status.conditions if each.type == "CanaryHealthy").reason

    assert reason() == "Unobserved"
    assert reason(shown) == "WithinLimits"


@pytest.mark.parametrize("limit", [None, 0.1])
def test_the_record_keeps_of_the_inputs_what_is_judged_alone(limit):
    """It is small, and read with every look."""
    spec = Spec(canary=Canary(percent=10, abort=Limits(drift=1.0, missing=limit)))
    forecasts = Forecasts(rows=9, lower=1, median=2, upper=3)
    figures = [
        each.model_copy(update={"rows": 9, "missing": {"wind": 3}, "forecasts": forecasts}) for each in counts(0)
    ]

    (mark,) = decide(canary_look(tuple(figures), spec=spec)).status.watch.marks

    assert {each.forecasts for each in mark.counts} == {None}
    assert [each.missing for each in mark.counts] == [{"wind": 3} if limit else {}] * len(figures)


def test_a_rejected_canary_loses_its_share():
    """The graph goes back to the stable chain alone."""
    found = step(look(2, rollout(A), rollout(B), rejected=(rejection(),), fronts=(front(Route(A, B, 10)),)))

    assert found.route == Route(A)


@pytest.mark.parametrize(
    "seen_front", [front(Route(A), edited=True, route=None), front(Route(A), current=False), Front("f")]
)
def test_a_front_that_is_not_as_written_is_put_back(seen_front):
    """Edited, behind its template, or gone."""
    assert step(look(1, rollout(A), fronts=(seen_front,))) == Switch(seen_front, Route(A))


def test_no_front_is_pointed_at_what_does_not_answer():
    """It stays as it is until the stable rollout answers."""
    edited = front(Route(A), edited=True, route=None)

    found = step(look(1, rollout(A, ready=False, serving=False), fronts=(edited,)))

    assert isinstance(found, Wait)
    assert found.reason == "StableNotServing"


def test_a_pause_stops_everything():
    """Even the repair of a front."""
    edited = front(Route(A), edited=True, route=None)

    assert step(look(2, rollout(A), fronts=(edited,), spec=Spec(paused=True))).reason == "Paused"


OLD = "p3-m3-cccccc"
LONG_AGO = NOW - dt.timedelta(hours=1)


def test_what_nobody_wants_is_removed_after_the_drain():
    """First it is put on record as going."""
    seen = look(1, rollout(A), rollout(OLD), unrouted=({"rollout": OLD, "since": LONG_AGO},))

    first = decide(seen)

    assert first.status.retiring == (OLD,)
    assert step(seen) == Retire(rollout(OLD), seen.fronts)


def test_what_a_router_still_holds_is_not_removed():
    """However long nothing else has named it."""
    routers = (Sender("new", frozenset({A})), Sender("ending", frozenset({OLD})))
    seen = look(1, rollout(A), rollout(OLD), senders=routers, unrouted=({"rollout": OLD, "since": LONG_AGO},))

    assert step(seen).reason == "RouterRolling"


def test_what_is_going_is_made_anew_before_it_serves_again():
    """Somebody may be removing it at this moment."""
    seen = look(2, rollout(A), rollout(B), candidate=candidate(), retiring=(B,))

    found = step(seen)

    assert isinstance(found, Retire)
    leaving = rollout(B, parts=tuple(dataclasses.replace(each, deleting=True) for each in rollout(B).parts))
    assert step(look(2, rollout(A), leaving, candidate=candidate(), retiring=(B,))).reason == "Removing"


def test_the_pair_before_stays_warm():
    """`keep` of those that served are not removed, however long ago."""
    history = ({"pair": OLD, "rollout": OLD, "start": LONG_AGO, "outcome": "Replaced"},)
    seen = look(1, rollout(A), rollout(OLD), history=history, unrouted=({"rollout": OLD, "since": LONG_AGO},))

    assert decide(seen).status.kept == (OLD,)
    assert isinstance(step(seen), Wait)


def test_what_the_template_lost_is_removed():
    """An autoscaler that was switched off does not go on scaling, be its rollout the one that serves or not."""
    scaler = Part("HorizontalPodAutoscaler", f"f-{A}", "u-scaler", "digest")
    serving = rollout(A)
    seen = look(1, dataclasses.replace(serving, parts=(*serving.parts, scaler)))

    assert step(seen) == Drop(scaler)


def test_what_requests_meet_goes_with_its_rollout_alone():
    """A router with the graph before may still lead to a step that the template has no more."""
    service = Part("InferenceService", f"f-before-{A}", "u-before", "digest")
    serving = rollout(A)
    seen = look(1, dataclasses.replace(serving, parts=(*serving.parts, service)))

    assert step(seen).reason == "InSync"


def test_kinds_of_every_template_stay_on_record():
    """Objects of a kind that is no longer in the template are found by it."""
    known = ("keda.sh/v1alpha1 ScaledObject",)

    first = decide(look(1, rollout(A), kinds=known))

    assert first.status.kinds == tuple(sorted((*known, *TEMPLATE.kinds)))


def test_a_release_without_a_router_is_not_ready():
    """The graph is written, the pair stands, and nobody can ask it."""
    found = decide(look(1, rollout(A), senders=(Sender("router", frozenset({A})),)))

    (ready,) = [each for each in found.status.conditions if each.type == "Ready"]
    assert (ready.status, ready.reason) == ("False", "NoRouter")
