"""Status says what is behind the alias, what is wrong with it, and what mends it."""

import pytest
from pairs import MODEL, PREPROCESSOR, age_lease

from twinpin.pair.errors import HalfMoved, LeftLease, NoAlias, NotAPair
from twinpin.pair.promote import Promoter
from twinpin.pair.resolve import resolve
from twinpin.pair.status import status
from twinpin.pair.stores import open_pins
from twinpin.pair.version import Versions


@pytest.fixture
def promoter(settings, registry):
    """Who moves the alias."""
    return Promoter(settings, registry)


@pytest.fixture
def look(settings, registry):
    """Look at the pair of these settings."""
    return lambda: status(settings, registry, open_pins(settings))


def test_a_good_pair_has_no_problem(pairs, settings, look):
    """The facts are there for a person and for a script."""
    preprocessor, model, _ = pairs.pair(alias="production")
    pin = resolve(settings)
    seen = look()

    assert seen.problem is None
    assert seen.document["preprocessor"] == {"name": PREPROCESSOR, "version": preprocessor}
    assert seen.document["model"] == {"name": MODEL, "version": model}
    assert seen.document["evidence"] == "run"
    assert seen.document["pin"]["id"] == pin.id
    assert f"pinned:       r1 serves {pin.id}" in seen.lines


def test_the_last_moves_are_told(pairs, promoter, look):
    """Who did what is the first question at night."""
    made = [Versions(*pairs.pair()[:2]) for _ in range(2)]
    for each in made:
        promoter.promote(each)
    seen = look()

    assert [(move["from"], move["to"]) for move in seen.document["history"]] == [
        (["1", "1"], ["2", "2"]),
        ([None, None], ["1", "1"]),
    ]
    assert any("promote p1-m1 -> p2-m2" in line for line in seen.lines)


def test_no_alias_is_a_problem_with_a_command(pairs, look):
    """And not an error of the command."""
    pairs.pair()
    seen = look()

    assert isinstance(seen.problem, NoAlias)
    assert "mend:         twinpin promote --run RUN_ID" in seen.lines


@pytest.mark.parametrize("moved", [(None, "2"), ("2", None)])
def test_a_half_moved_alias_is_a_problem(pairs, look, moved):
    """Whichever half moved."""
    pairs.pair(tag="a", alias="production")
    pairs.pair(tag="b")
    pairs.alias("production", *moved)
    seen = look()

    assert isinstance(seen.problem, NotAPair)
    assert seen.evidence is None


def test_an_alias_on_one_half_is_a_problem(pairs, look):
    """The line shows a dash where nothing is."""
    pairs.pair()
    pairs.alias("production", None, "1")
    seen = look()

    assert isinstance(seen.problem, HalfMoved)
    assert f"preprocessor: {PREPROCESSOR} -" in seen.lines


@pytest.mark.parametrize("aliased", [True, False])
def test_a_dead_lease_is_a_problem_even_beside_a_good_pair(pairs, promoter, look, aliased):
    """Nobody can promote until it is repaired."""
    pairs.pair(alias="production" if aliased else None)
    promoter.lease.take("promote", "bob", Versions("1", "1"), Versions("1", "1"), 60.0)
    age_lease(promoter)
    seen = look()

    assert isinstance(seen.problem, LeftLease)
    assert "bob" in seen.problem.message
    assert "mend:         twinpin promote --repair" in seen.lines


def test_a_half_moved_alias_under_a_live_lease_is_temporary(pairs, promoter, look):
    """Somebody is at work, so there is nothing to mend."""
    pairs.pair(alias="production")
    pairs.pair()
    promoter.lease.take("promote", "bob", Versions("1", "1"), Versions("2", "2"), 60.0)
    pairs.alias("production", "2", None)
    half = look()
    pairs.alias("production", None, "2")
    whole = look()

    assert isinstance(half.problem, HalfMoved)
    assert "bob" in half.problem.message
    assert whole.problem is None
