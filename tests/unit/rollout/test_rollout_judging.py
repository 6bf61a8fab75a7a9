"""What chains did since a mark, from counters that begin anew with every process and end with every pod."""

import dataclasses
import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from twinpin.rollout.judging import done
from twinpin.rollout.resource import Count, Forecasts, Mark

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
R = "p1-m1-aaaaaa"


@dataclasses.dataclass
class Process:
    """A process of a pod, with what it counted."""

    pod: str
    started: float
    restarts: int = 0
    requests: int = 0
    errors: int = 0

    def count(self):
        """What its metrics and its pod say."""
        return Count(rollout=R, step="f-predict", **dataclasses.asdict(self))


EVENTS = st.lists(
    st.tuples(st.sampled_from(["ask", "fail", "restart", "come", "go"]), st.integers(0, 5), st.integers(1, 50)),
    max_size=40,
)


def play(pods, events, clock):
    """Let things happen to pods; returns what was asked and failed in pods that are still the same processes."""
    for number, (word, which, times) in enumerate(events):
        name = f"pod-{which}"
        pod = pods.get(name)
        if word == "come" and pod is None:
            pods[name] = Process(name, clock + number)
        elif pod is None:
            continue
        elif word == "go":
            del pods[name]
        elif word == "restart":
            pods[name] = Process(name, clock + number, pod.restarts + 1)
        else:
            pod.requests += times
            pod.errors += times * (word == "fail")


def counts(pods):
    """A look at all of them."""
    return tuple(each.count() for each in pods.values())


@given(EVENTS, EVENTS)
def test_what_was_done_before_the_mark_never_counts_and_nothing_counts_twice(before, after):
    """Whatever pods come, go and restart: each process that is there counts from the mark on, or from its start."""
    pods = {}
    play(pods, before, clock=NOW.timestamp() - 1000)
    mark = Mark(at=NOW, counts=counts(pods))
    old = {name: dataclasses.replace(each) for name, each in pods.items()}
    play(pods, after, clock=NOW.timestamp() + 1)

    same = {name: old[name] for name, each in pods.items() if name in old and old[name].started == each.started}
    found = done(R, mark, counts(pods)).get("f-predict")

    assert (found.requests if found else 0) == sum(
        each.requests - (same[name].requests if name in same else 0) for name, each in pods.items()
    )
    assert (found.errors if found else 0) == sum(
        each.errors - (same[name].errors if name in same else 0) for name, each in pods.items()
    )
    assert found is None or 0 <= found.errors <= found.requests


def test_restarts_are_counted_of_pods_that_do_not_answer_too():
    """A container that is down says nothing of itself."""
    pod = Process("pod-1", NOW.timestamp() - 9)
    mark = Mark(at=NOW, counts=(pod.count(),))
    down = Count(pod="pod-1", rollout=R, step="f-predict", restarts=2)

    assert done(R, mark, (down,))["f-predict"].restarts == 2


def test_a_pod_that_could_not_be_read_at_the_mark_does_not_count():
    """Nobody knows what it had done by then."""
    silent = Count(pod="pod-1", rollout=R, step="f-predict", silent=True)
    later = Process("pod-1", NOW.timestamp() - 9, requests=1000, errors=900).count()

    assert done(R, Mark(at=NOW, counts=(silent,)), (later,))["f-predict"].requests == 0


def test_each_step_of_each_rollout_is_counted_for_itself():
    """One may have more pods than another."""
    here = (
        Count(pod="a", rollout=R, step="f-preprocess", started=1.0, requests=9),
        Count(pod="b", rollout=R, step="f-predict", started=1.0, requests=5),
        Count(pod="c", rollout=R, step="f-predict", started=1.0, requests=2),
        Count(pod="d", rollout="p2-m2-bbbbbb", step="f-predict", started=1.0, requests=99),
    )
    mark = Mark(at=dt.datetime.fromtimestamp(0, dt.UTC))

    assert {step: each.requests for step, each in done(R, mark, here).items()} == {"f-preprocess": 9, "f-predict": 7}


def observing(pod, started=1.0, **words):
    """What a pod says of its inputs and forecasts."""
    return Count(pod=pod, rollout=R, step="f", started=started, **words)


def test_gaps_of_inputs_count_from_the_mark_on():
    """Those of a process that began after it from its start."""
    mark = Mark(at=NOW, counts=(observing("a", rows=100, missing={"wind": 40, "rain": 1}),))
    later = (
        observing("a", rows=150, missing={"wind": 42, "rain": 1, "snow": 3}),
        observing("b", NOW.timestamp() + 1, rows=10, missing={"wind": 5}),
        observing("c", NOW.timestamp() - 1, rows=9000, missing={"wind": 9000}),
    )

    found = done(R, mark, later)["f"]

    assert (found.rows, dict(found.missing)) == (60, {"wind": 7, "snow": 3})


def test_forecasts_of_pods_are_put_together_by_their_rows():
    """One that has made few weighs little."""
    pods = [
        observing("a", forecasts=Forecasts(rows=300, lower=1, median=2, upper=3)),
        observing("b", forecasts=Forecasts(rows=100, lower=5, median=6, upper=7)),
        observing("c"),
    ]

    assert done(R, Mark(at=NOW), pods)["f"].forecasts == Forecasts(rows=400, lower=2, median=3, upper=4)
    assert done(R, Mark(at=NOW), pods[2:])["f"].forecasts is None
