"""Goals: what Twinpin is to cost beside the floors and beside the serving tools of today, as data, and the verdict."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from measuring.results import Results
from measuring.roster import PEERS

#: In place of a server: the peer that does best there, so that each other peer is beaten by more.
BEST_PEER = "best peer"

ONE = ("payload", "entity_1")
FEW = ("payload", "entity_1", "entities_5")
FIVE = ("entities_5",)
MANY = ("entities_100",)


@dataclass(frozen=True)
class Goal:
    """One figure of one server, at most (or below) a multiple of a rival's; without a rival, of 1."""

    work: str
    server: str
    limit: float
    rival: str = ""
    figure: str = "cpu_ms"
    #: The rival's figure, where it is another one.
    rival_figure: str = ""
    kinds: tuple[str, ...] = ()
    clients: tuple[int, ...] = (8,)
    #: Whether the limit itself is too much.
    below: bool = False
    prefix: str = ""
    unit: str = ""

    @property
    def aim(self) -> str:
        """The limit in words."""
        sign = "<" if self.below else "≤"
        if not self.rival:
            return f"{sign} {self.limit:g} {self.unit}"
        share = f"{self.limit:g}x" if self.limit >= 1 else f"1/{1 / self.limit:g} of"
        which = f", its {self.rival_figure.removesuffix('_ms')}" if self.rival_figure else ""
        return f"{sign} {share} {self.rival}{which}"

    @property
    def cells(self) -> list[tuple[str, str]]:
        """What is compared: kind and cell."""
        if not self.kinds:
            return [("", "server")]
        return [(kind, f"{kind}/{count}") for kind in self.kinds for count in self.clients]


@dataclass(frozen=True)
class Outcome:
    """What was measured for a goal; *reached* is None where something is missing."""

    goal: Goal
    measured: str
    reached: bool | None


def judge(results: Results, goal: Goal) -> Outcome:
    """Compare each cell of a goal; the one that is farthest from it decides."""
    compared = [_compare(results, goal, kind, cell) for kind, cell in goal.cells]
    if any(math.isnan(ratio) for ratio, _ in compared):
        return Outcome(goal, "", None)
    worst, said = max(compared)
    return Outcome(goal, said, worst < goal.limit if goal.below else worst <= goal.limit)


def _compare(results: Results, goal: Goal, kind: str, cell: str) -> tuple[float, str]:
    """Return the figure as a multiple of the rival's, and both in words."""
    own = results.figure(_own(goal, kind), goal.prefix + cell, goal.figure)
    if not goal.rival:
        return own, f"{own:.1f} {goal.unit}"
    figure = goal.rival_figure or goal.figure
    rivals = {name: results.figure(name, cell, figure) for name in _rivals(results, goal)}
    name, other = min(rivals.items(), key=lambda item: item[1], default=("", math.nan))
    ratio = own / other
    share = f"{ratio:.2f}" if ratio >= 1 or goal.limit >= 1 else f"1/{1 / ratio:.1f}"
    return ratio, f"{share} ({own:.2f} of {other:.2f} ms; {cell}{f', {name}' if goal.rival == BEST_PEER else ''})"


def _own(goal: Goal, kind: str) -> str:
    """Peers read scalars: the server that does the same work is compared with them."""
    return f"{goal.server}_scalars" if goal.rival == BEST_PEER and kind not in {"", "payload"} else goal.server


def _rivals(results: Results, goal: Goal) -> Iterable[str]:
    return [name for name in results.rounds if name in PEERS] if goal.rival == BEST_PEER else [goal.rival]


_ONE = "payload, one entity: CPU"
_FIVE = "5 entities: CPU"
_P50 = "payload, 1, 5: p50, 1 client"
_P99 = "payload, 1, 5: p99, 8 and 32 clients"
_WINDOWS = "100 entities, windows: CPU"
_SCALARS = "100 entities, scalars: CPU"

GOALS = (
    Goal(_ONE, "serve", 1, "floor", kinds=ONE, below=True),
    Goal(_ONE, "serve", 3, "floor_flat", kinds=ONE),
    Goal(_ONE, "serve", 1 / 15, BEST_PEER, kinds=ONE),
    Goal(_ONE, "graph", 5, "floor", kinds=ONE),
    Goal(_ONE, "graph", 1 / 4, BEST_PEER, kinds=ONE),
    Goal(_FIVE, "serve", 1.5, "floor", kinds=FIVE),
    Goal(_FIVE, "serve", 1 / 12, BEST_PEER, kinds=FIVE),
    Goal(_FIVE, "graph", 5, "floor", kinds=FIVE),
    Goal(_FIVE, "graph", 1 / 4, BEST_PEER, kinds=FIVE),
    Goal(_P50, "serve", 1.2, "floor", "p50_ms", kinds=FEW, clients=(1,)),
    Goal(_P50, "graph", 4, "floor", "p50_ms", kinds=FEW, clients=(1,)),
    Goal(_P50, "graph", 1, BEST_PEER, "p50_ms", kinds=FEW, clients=(1,), below=True),
    Goal(_P99, "serve", 1, "floor", "p99_ms", kinds=FEW, clients=(8, 32), below=True),
    Goal(_P99, "graph", 1, BEST_PEER, "p99_ms", "p50_ms", kinds=FEW, clients=(8, 32), below=True),
    Goal(_WINDOWS, "serve", 1.5, "floor_compact", kinds=MANY),
    Goal(_WINDOWS, "graph", 3, "floor_compact", kinds=MANY),
    Goal(_SCALARS, "serve", 1 / 5, BEST_PEER, kinds=MANY),
    Goal(_SCALARS, "graph", 1 / 4, BEST_PEER, kinds=MANY),
    Goal("payload, 1, 5: CPU over gRPC", "direct", 3, "floor", kinds=FEW, prefix="grpc "),
    Goal("memory, PSS", "serve", 300, figure="pss_mib", unit="MiB"),
    Goal("memory, PSS of the largest process", "graph", 200, figure="largest_mib", unit="MiB"),
    Goal("start to right answers", "serve", 4, figure="start_s", unit="s"),
    Goal("start to right answers", "graph", 6, figure="start_s", unit="s"),
)
