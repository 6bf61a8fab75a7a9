"""Answers of a load, each held to the forecast that its stamp promises."""

import collections
import dataclasses
import functools
import math

import numpy as np

#: How far a forecast may be from the one computed offline: single precision, summed in another order.
ABSOLUTE, RELATIVE = 1e-4, 1e-6
#: What is told of failures, so that the line stays short.
SHOWN = 20


@dataclasses.dataclass(frozen=True)
class Asked:
    """One request and its answer."""

    #: Time of day, in seconds; the load runs on a machine of the cluster, whose clock must be ours.
    begun: float
    took: float
    question: int
    answer: int


@dataclasses.dataclass(frozen=True)
class Answer:
    """One answer; equal ones are the same."""

    status: str
    stamp: str
    forecast: tuple[float, ...]
    told: str

    @property
    def given(self):
        """Whether it is a forecast at all."""
        return self.status == "200"


class Answers:
    """Everything that was asked in one load."""

    def __init__(self, questions):
        self.questions = questions
        self.asked, self._answers = [], {}
        self._judge = functools.cache(self._judged)

    def take(self, lines):
        """Take what the load told from its beginning."""
        self.asked = []
        for line in lines:
            self.asked += [Asked(*each) for each in line["asked"]]
            for number, (status, stamp, forecast, told) in line["answers"].items():
                self._answers[int(number)] = Answer(status, stamp, tuple(forecast), told)

    def answer(self, asked):
        """The answer to a request."""
        return self._answers[asked.answer]

    def fault(self, asked):
        """Say what is wrong with an answer; empty where nothing is."""
        return self._judge(asked.question, asked.answer)

    @property
    def right(self):
        """How many answers are the forecast of their stamp."""
        return sum(not self.fault(each) for each in self.asked)

    @property
    def lost(self):
        """How many requests got no answer, or one that was not right."""
        return len(self.asked) - self.right

    @property
    def mixed(self):
        """How many answers hold another forecast than that of their stamp."""
        return sum(self.answer(each).given and bool(self.fault(each)) for each in self.asked)

    @property
    def ended_well(self):
        """Whether the last request that began was answered rightly."""
        return not self.fault(max(self.asked, key=lambda each: each.begun))

    def within(self, begin, end=math.inf):
        """List the requests of a time."""
        return [each for each in self.asked if begin <= each.begun < end]

    def of(self, pair, begin=-math.inf, end=math.inf):
        """List those that a pair answered, the first one first."""
        mine = [each for each in self.within(begin, end) if self.answer(each).stamp.startswith(pair.label)]
        return sorted(mine, key=lambda each: each.begun)

    @property
    def report(self):
        """Sum up what was seen."""
        failures = [each for each in sorted(self.asked, key=lambda each: each.begun) if self.fault(each)]
        begun, ends = min(each.begun for each in self.asked), [each.begun + each.took for each in self.asked]
        seconds = max(ends) - begun
        return {
            "seconds": round(seconds, 1),
            "rate": round(len(self.asked) / seconds, 1),
            "right": self.right,
            "lost": self.lost,
            "mixed": self.mixed,
            "statuses": dict(collections.Counter(self.answer(each).status for each in self.asked)),
            "pairs": dict(
                collections.Counter(self.answer(each).stamp for each in self.asked if self.answer(each).given)
            ),
            "longest": round(max(each.took for each in self.asked), 2),
            "lost_for": round(failures[-1].begun - failures[0].begun, 1) if failures else 0.0,
            "failures": [self._told(each, begun) for each in failures[:SHOWN]],
        }

    def told(self):
        """Say what happened, in one line."""
        report = self.report
        failures = report.pop("failures")
        return f"{report} {failures}" if failures else str(report)

    def _told(self, asked, begun):
        """Tell one failure."""
        question = self.questions[asked.question]
        place = {"at": round(asked.begun - begun, 2), "question": question.name, "url": question.url}
        return {**place, "status": self.answer(asked).status, "told": self.fault(asked)}

    def _judged(self, question, number):
        """Compare an answer with the forecast that was computed outside the cluster."""
        answer = self._answers[number]
        if not answer.given:
            return answer.told or answer.status
        for label, wanted in self.questions[question].forecasts.items():
            if answer.stamp.startswith(label):
                near = len(answer.forecast) == len(wanted) and np.allclose(
                    answer.forecast, wanted, rtol=RELATIVE, atol=ABSOLUTE
                )
                return "" if near else f"forecast {answer.forecast} of {answer.stamp} instead of {wanted}"
        return f"forecast of {answer.stamp}, which nobody expects"
