"""How a release follows its load: pods, what they are scaled by, and latency, as Prometheus and clients see them."""

import dataclasses
import itertools
import json
import math
import os
import time
from pathlib import Path

import numpy as np
from cluster_load import load
from cluster_waits import until

#: Folder for the figures, which bench/scaling draws; without it they are measured all the same, and not kept.
FOLDER = os.environ.get("TWINPIN_TEST_FIGURES", "")
#: Seconds over which latencies are summed up.
WINDOW = 5
#: Clients that ask all the time, and those that come and ask as fast as they are answered.
FEW, MANY = {"clients": 2, "rate": 5.0}, {"clients": 24, "pause": 0.0}
#: Seconds in which pods are added, and removed: the autoscaler looks every 15 s, and its figures are as old.
UP, DOWN = 240, 300
#: Seconds for which a number of pods is held, so that the course shows what it is worth.
HELD = 20


@dataclasses.dataclass(frozen=True)
class Scaling:
    """A step that may have *most* pods, what they are scaled by, and a query for how much there is of that."""

    step: str
    most: int
    by: str
    query: str


@dataclasses.dataclass(frozen=True)
class Phase:
    """A time of one load, by seconds since the beginning."""

    name: str
    begun: float
    ended: float


@dataclasses.dataclass(frozen=True)
class Course:
    """One run: its phases, and what was seen in them, by seconds since its beginning."""

    step: str
    scaled_by: str
    phases: list[Phase]
    pods: list[tuple[float, float]]
    signal: list[tuple[float, float]]
    #: Seconds, requests per second, p50 and p99 in milliseconds.
    latencies: list[tuple[float, float, float, float]]

    def of(self, name):
        """List the numbers of pods in one phase."""
        (phase,) = (each for each in self.phases if each.name == name)
        return [int(number) for second, number in self.pods if phase.begun <= second < phase.ended]

    def told(self):
        """Sum it up, phase by phase."""
        return "; ".join(map(self._told, self.phases))

    def _told(self, phase):
        """Sum one phase up."""
        pods = self.of(phase.name)
        held = [each for each in self.latencies if phase.begun <= each[0] < phase.ended]
        rate, fast, slow = (np.median([each[place] for each in held]) if held else math.nan for place in (1, 2, 3))
        seconds = phase.ended - phase.begun
        return (
            f"{phase.name} for {seconds:.0f} s: {pods[0]} to {pods[-1]} pods, {rate:.0f} requests/s, p50 {fast:.0f} ms,"
            f" p99 {slow:.0f} ms"
        )

    def keep(self, name):
        """Write the figures down, where somebody asked for them."""
        if FOLDER:
            Path(FOLDER).mkdir(parents=True, exist_ok=True)
            (Path(FOLDER) / f"{name}.json").write_text(json.dumps(dataclasses.asdict(self)) + "\n")


def up_and_down(release, watch, asked, scaling):
    """Let many clients come until the step has all pods, and go until it has one; returns the course and both loads."""
    marks = []

    def mark(name):
        marks.append((name, time.time()))

    with load(release.namespace, asked, **FEW) as few:
        mark("few")
        _hold()
        mark("many")
        with load(release.namespace, asked, **MANY) as many:
            release.await_replicas(scaling.step, scaling.most, UP)
            _hold()
        mark("few again")
        release.await_replicas(scaling.step, 1, DOWN)
        _hold()
    mark("end")
    return _course(watch, scaling, marks, (few, many)), few, many


def _hold():
    """Let some time pass."""
    begun = time.monotonic()
    until("some time", lambda: time.monotonic() - begun > HELD, 2 * HELD)


def _course(watch, scaling, marks, loads):
    """Put a run together from the beginnings of its phases, the last one of its end."""
    begin, end = marks[0][1], marks[-1][1]
    phases = [Phase(name, at - begin, following - begin) for (name, at), (_, following) in itertools.pairwise(marks)]

    def over(query):
        return [(at - begin, value) for each in watch.over(query, begin) for at, value in each.values if at <= end]

    pods = f'count(up{{{watch.own}, app_kubernetes_io_component="{scaling.step}"}} == 1)'
    latencies = list(_latencies(loads, begin, end))
    return Course(scaling.step, scaling.by, phases, over(pods), over(scaling.query), latencies)


def _latencies(loads, begin, end):
    """Sum up what clients met, window by window."""
    asked = [each for seen in loads for each in seen.within(begin, end)]
    for number in range(math.floor((end - begin) / WINDOW)):
        first = begin + number * WINDOW
        took = [1000 * each.took for each in asked if first <= each.begun < first + WINDOW]
        if took:
            yield (number + 0.5) * WINDOW, len(took) / WINDOW, *map(float, np.percentile(took, [50, 99]))
