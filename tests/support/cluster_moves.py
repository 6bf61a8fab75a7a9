"""Pairs that are moved by the product's own commands, and how long each move took until clients saw it."""

import dataclasses
import itertools
import math
import statistics

import numpy as np
from cluster_console import Console
from cluster_follower import LIVE, following
from cluster_pairs import Names, Trained
from cluster_values import merged
from cluster_waits import until

from twinpin.pair.history import History
from twinpin.pair.registry import MlflowRegistry

NAMES = Names("move_scaler", "move_forecaster", "live")
#: Rollouts that stay warm for rollbacks in a row.
KEEP = 4
#: A preprocessor and a model of two pairs must be told apart by no less.
APART = 1e-2
VERBS = {"promote": "promotion", "rollback": "rollback"}


def values(world):
    """What the release is told."""
    return merged(following(world, NAMES), {"controller": {"keep": KEEP}})


@dataclasses.dataclass(frozen=True)
class Move:
    """The alias went from one pair to another."""

    old: Trained
    new: Trained
    verb: str
    #: Time of day, in seconds, at which the registry was told.
    at: float

    def first(self, seen, moves):
        """Seconds to the first answer by the new pair."""
        return seen.of(self.new, self.at, self._back(self.new, moves))[0].begun - self.at

    def last(self, seen, moves):
        """Seconds to the last answer by the old pair, before it comes back."""
        late = seen.of(self.old, self.at, self._back(self.old, moves))
        return max((each.begun + each.took for each in late), default=self.at) - self.at

    def _back(self, pair, moves):
        """When the alias comes to a pair again."""
        return min((each.at for each in moves if each.new.label == pair.label and each.at > self.at), default=math.inf)


class Mover:
    """Moves the alias of one release, as a data scientist does, and waits until it is live."""

    def __init__(self, release, registrar):
        self.release, self.registrar = release, registrar
        self.names = release.pair.names
        #: The pair behind the alias.
        self.wanted = release.pair
        self.console = Console(release.namespace.name, release.name, self.names, registrar.uri)
        self._seeds = itertools.count(1)

    def newcomers(self, number):
        """Train and register pairs that were never there."""
        return [self.registrar.register(self.names, next(self._seeds)) for _ in range(number)]

    def ask(self, pair):
        """Promote a pair, and wait for nothing; returns what was moved."""
        self.console.promote(pair)
        return self._moved(pair)

    def promote(self, pair, seen=None):
        """Promote a pair, and wait until it is live, or until its first answer in a load."""
        return self._await(self.ask(pair), seen)

    def rollback(self, pair, seen=None):
        """Go back, which must lead to *pair*, and wait likewise."""
        self.console.done("rollback")
        return self._await(self._moved(pair), seen)

    def _await(self, move, seen):
        """Wait for the new pair."""
        if seen is None:
            self.release.await_live(move.new)
        else:
            until(f"an answer by {move.new.label}", lambda: seen.read() and seen.of(move.new, move.at), LIVE, every=2.0)
            self.release.pair = move.new
        return move

    def _moved(self, pair):
        """Read when the registry was told of the newest move."""
        (move, *_) = History(MlflowRegistry(self.registrar.uri), self.names.model, self.names.alias).read()
        assert tuple(map(str, move.after)) == tuple(pair.versions)
        self.wanted = pair
        return Move(self.release.pair, pair, VERBS[move.verb], move.at.timestamp())


def summed(times):
    """Tell the median and the largest of some seconds."""
    values = list(times)
    return f"median {statistics.median(values):.1f} s, largest {max(values):.1f} s"


def assert_apart(pairs, frames):
    """Make sure that no preprocessor gives a foreign model what its own would: a mixed answer must show."""
    for left, right in itertools.permutations(pairs, 2):
        crossed = Trained(NAMES, left.versions, left.pipeline, right.regressor)
        found = max(np.abs(crossed.forecast(rows) - right.forecast(rows)).max() for rows in frames)
        assert found > APART, f"{left.label} before {right.label} is no other than {right.label}"
