"""PairedGraph: the custom resource of one release, its wishes (spec) and its record (status).

The record holds what cannot be read from the objects themselves: since when, and why. Everything else is looked at anew
each time.
"""

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

GROUP = "twinpin.dev"
VERSION = "v1alpha1"
KIND = "PairedGraph"
PLURAL = "pairedgraphs"

#: Entries of the history, and of the rejected pairs, that the record keeps.
HISTORY = 20
REJECTED = 10


class Part(BaseModel):
    """One object of the resource, named as Kubernetes names fields."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, alias_generator=to_camel)


class Limits(Part):
    """How much worse than the stable chain a canary may do before it is ended."""

    #: Errors per request above those of the stable chain.
    errors: float = Field(default=0.01, ge=0, le=1)
    #: Times the mean latency of the stable chain.
    latency: float = Field(default=2.0, ge=1)
    #: Requests of the canary below which neither is judged.
    requests: int = Field(default=100, ge=1)
    #: Containers of the canary that were started again, where the stable chain had fewer.
    restarts: int = Field(default=2, ge=1)
    #: Distance of its median forecast from the stable chain's, in widths of the middle half of the latter's forecasts
    #: (their interquartile range); None: not looked at.
    drift: float | None = Field(default=None, ge=0)
    #: Share of the rows in which an input is missing, above that of the stable chain; None: not looked at.
    missing: float | None = Field(default=None, ge=0, le=1)


class Canary(Part):
    """How much each new pair gets before somebody promotes it."""

    percent: int = Field(ge=1, le=99)
    #: When it is ended by its figures; without these nothing is measured.
    abort: Limits | None = None


class Spec(Part):
    """What a person wants of the controller."""

    #: Old rollouts that stay warm for a rollback.
    keep: int = Field(default=1, ge=0, le=10)
    paused: bool = False
    canary: Canary | None = None
    #: Seconds in which a candidate has to become ready and answer its probe.
    progress_deadline: int = Field(default=600, ge=10)
    #: Seconds between the last process that may send to a rollout and its removal.
    drain: int = Field(default=60, ge=0)
    #: Seconds between two looks at the registry.
    poll_seconds: int = Field(default=5, ge=1)
    #: Whether there is a controller, or the pods follow the alias by themselves, as those of one process do.
    followed_by: Literal["Controller", "Pods"] = "Controller"


class Floor(Part):
    """How many pods a workload has at least, whatever its autoscaler thinks of the load that it has so far."""

    #: Its Deployment, with @ROLLOUT@ where the rollout's id goes.
    workload: str
    replicas: int


class Serving(Part):
    """The pair that serves."""

    pair: str
    rollout: str
    since: dt.datetime
    #: As it began; empty once its autoscalers have seen its load for long enough to judge by it.
    floors: tuple[Floor, ...] = ()


class Candidate(Part):
    """The pair that is on its way."""

    #: Versions behind the alias, `p7-m12`: all that is known before there is a Pin.
    versions: str
    rollout: str | None = None
    pair: str | None = None
    since: dt.datetime
    moved_by: str | None = None
    #: Whether it served before and somebody went back to it: it gets everything at once, whatever spec.canary says.
    back: bool = False
    #: Template under which its probe was answered right.
    probed: str | None = None
    #: As many pods as the pair that serves has more than the template's least.
    floors: tuple[Floor, ...] = ()


class Unrouted(Part):
    """A rollout that nothing sends to any more."""

    rollout: str
    since: dt.datetime


class Forecasts(Part):
    """The newest forecasts of a pod, or of a chain: how many rows, and the quartiles of their values."""

    rows: int
    lower: float
    median: float
    upper: float


class Count(Part):
    """What one pod of a step had counted at one moment."""

    pod: str
    rollout: str
    step: str
    #: How often its containers were started again.
    restarts: int = 0
    #: Whether it takes requests and did not say what it did.
    silent: bool = False
    #: Start of its process in Unix seconds; None where it was not asked, or did not answer.
    started: float | None = None
    requests: int = 0
    errors: int = 0
    seconds: float = 0.0
    squares: float = 0.0
    #: Rows whose inputs it looked at, and in how many of them an input was missing, of those that ever were.
    rows: int = 0
    missing: dict[str, int] = Field(default_factory=dict)
    #: Those of the last minutes; not of a mark, since nothing can be subtracted from them.
    forecasts: Forecasts | None = None


class Mark(Part):
    """What all pods of both chains had counted at one moment."""

    at: dt.datetime
    counts: tuple[Count, ...] = ()


class Watch(Part):
    """From when on a canary is judged: from its beginning, and from some minutes ago."""

    stable: str
    canary: str
    marks: tuple[Mark, ...]


class Rejection(Part):
    """A pair that could not be served, and why."""

    #: Its id, or its versions alone where no Pin could be made.
    pair: str
    versions: str
    reason: str
    message: str
    at: dt.datetime
    count: int = 1
    template: str
    #: Whether it is left alone; False once the alias went elsewhere or a person asked for another try.
    active: bool = True


class Period(Part):
    """One line of the history: which pair served from when to when, or why it did not."""

    pair: str
    rollout: str | None = None
    start: dt.datetime
    end: dt.datetime | None = None
    moved_by: str | None = None
    outcome: Literal["Serving", "Replaced", "Rejected"]
    reason: str = ""


class Trial(Part):
    """Who loads a pair before all others do, where pods follow the alias by themselves."""

    versions: str
    #: The pod, and when it last said that it is at work.
    owner: str
    at: dt.datetime
    #: Pods that went away while they loaded it.
    ended: int = 0


class Condition(Part):
    """One condition, as kubectl shows and waits for it."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str = ""
    last_transition_time: dt.datetime


class Status(Part):
    """The record: written by the controller alone, always against the version that it read."""

    phase: str = ""
    stable: Serving | None = None
    candidate: Candidate | None = None
    #: Share of the candidate, while it is a canary.
    percent: int = 0
    #: What its figures are compared to, while they are.
    watch: Watch | None = None
    kept: tuple[str, ...] = ()
    unrouted: tuple[Unrouted, ...] = ()
    #: Rollouts that are being removed: nothing may point at one again until it is gone.
    retiring: tuple[str, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    history: tuple[Period, ...] = ()
    conditions: tuple[Condition, ...] = ()
    template: str = ""
    #: Kinds that templates ever had, as `apiVersion kind`: objects of one that the template lost still have to go.
    kinds: tuple[str, ...] = ()
    #: The Pin of the pair that serves, as JSON, and who tries the next one; where pods follow the alias by themselves.
    pin: str = ""
    trial: Trial | None = None
    #: Generations of the fronts at the last look, by their names.
    generations: dict[str, int] = Field(default_factory=dict)
    #: The last request for another try, for an abort, and for the end of a canary, that was carried out.
    retried: str = ""
    aborted: str = ""
    promoted: str = ""

    def rejection(self, versions: str) -> Rejection | None:
        """Find why the pair of these versions is left alone; None when it is not."""
        return next((each for each in self.rejected if each.active and each.versions == versions), None)

    def unrouted_since(self, rollout: str) -> dt.datetime | None:
        """Say since when nothing sends to a rollout."""
        return next((each.since for each in self.unrouted if each.rollout == rollout), None)


class Resource(Part):
    """One PairedGraph as it was read."""

    version: str
    uid: str = ""
    spec: Spec = Spec()
    status: Status = Status()
    #: Values of the annotations by which a person asks for another try, for the end of a candidate, or for all of the
    #: requests for it.
    retry: str = ""
    abort: str = ""
    promote: str = ""
