"""Goals: a verdict holds for every request that a goal speaks of, and none is given on half the figures."""

import pytest

from measuring.goals import BEST_PEER, GOALS, Goal, judge
from measuring.results import Results
from measuring.roster import SERVERS


def results(**cpu_ms):
    """CPU of the entity kinds at 8 clients: `serve=(1.0, 2.0)` are entity_1 and entities_5."""
    rounds = {
        name: [{"entity_1/8": {"cpu_ms": one}, "entities_5/8": {"cpu_ms": five}}]
        for name, (one, five) in cpu_ms.items()
    }
    return Results("", [8], rounds)


def test_the_request_that_is_farthest_from_the_goal_decides():
    """Half of the floor for one entity does not make up for twice of it for five."""
    outcome = judge(
        results(serve=(0.5, 4), floor=(1, 2)), Goal("", "serve", 1, "floor", kinds=("entity_1", "entities_5"))
    )

    assert outcome.reached is False
    assert outcome.measured == "2.00 (4.00 of 2.00 ms; entities_5/8)"


@pytest.mark.parametrize(("below", "reached"), [(False, True), (True, False)])
def test_the_limit_itself_is_reached_unless_less_is_asked(below, reached):
    """`≤` and `<` differ there alone."""
    goal = Goal("", "serve", 1, "floor", kinds=("entity_1",), below=below)

    assert judge(results(serve=(1, 1), floor=(1, 1)), goal).reached is reached


def test_the_server_of_the_same_store_is_held_against_the_best_peer():
    """Peers read scalars, and the best one is the hardest to beat."""
    measured = results(serve=(1, 1), serve_scalars=(2, 2), ray=(60, 60), fastapi=(30, 30), floor=(1, 1))
    outcome = judge(measured, Goal("", "serve", 1 / 15, BEST_PEER, kinds=("entity_1",)))

    assert outcome.reached is True
    assert outcome.measured == "1/15.0 (2.00 of 30.00 ms; entity_1/8, fastapi)"


@pytest.mark.parametrize("rival", ["floor", BEST_PEER])
def test_without_the_rival_there_is_no_verdict(rival):
    """Nor where the server itself was not measured."""
    assert (
        judge(results(serve=(1, 1), serve_scalars=(1, 1)), Goal("", "serve", 1, rival, kinds=("entity_1",))).reached
        is None
    )
    assert judge(results(floor=(1, 1), ray=(1, 1)), Goal("", "serve", 1, rival, kinds=("entity_1",))).reached is None


def test_every_goal_names_servers_of_the_bench():
    """A name that no server has would never be measured."""
    named = {name for goal in GOALS for name in (goal.server, goal.rival)} - {"", BEST_PEER}

    assert named <= set(SERVERS)


@pytest.mark.parametrize(
    ("goal", "aim"),
    [
        (Goal("", "serve", 1, "floor", below=True), "< 1x floor"),
        (Goal("", "serve", 1 / 15, BEST_PEER), "≤ 1/15 of best peer"),
        (Goal("", "graph", 1, BEST_PEER, "p99_ms", "p50_ms", below=True), "< 1x best peer, its p50"),
        (Goal("", "serve", 300, unit="MiB"), "≤ 300 MiB"),
    ],
)
def test_a_goal_says_what_it_aims_at(goal, aim):
    """The page shows the very limit that decides."""
    assert goal.aim == aim
