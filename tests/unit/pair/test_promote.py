"""The alias of both halves moves, or of neither; a crash leaves what repairs it."""

import contextlib
import dataclasses
import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from pairs import MODEL, PREPROCESSOR, age_lease, columns, signature

from twinpin.pair.errors import (
    HalfMoved,
    LeaseHeld,
    LeaseLost,
    LeftLease,
    MoveUndone,
    NotAPair,
    NothingBefore,
    PairError,
    Refused,
    SchemaMisfit,
    UnknownName,
    Unreachable,
)
from twinpin.pair.history import LIMIT, Move, before
from twinpin.pair.promote import Promoter, parse_pair
from twinpin.pair.registry import MlflowRegistry
from twinpin.pair.version import Versions


class Killed(BaseException):
    """The process dies here: nothing after it runs."""


class Failing(MlflowRegistry):
    """A registry that fails at chosen writes of ours; the answer is lost before or after the write was made."""

    def __init__(self, uri, error, *numbers, after=False):
        super().__init__(uri)
        self._error, self._numbers, self._after = error, set(numbers), after
        self.writes = 0

    def _write(self, write, *arguments):
        """Count, write, fail."""
        number, self.writes = self.writes, self.writes + 1
        if number in self._numbers and not self._after:
            raise self._error
        write(*arguments)
        if number in self._numbers:
            raise self._error

    def set_alias(self, *arguments):
        """Move the alias, or fail."""
        self._write(super().set_alias, *arguments)

    def set_tag(self, *arguments):
        """Set the tag, or fail."""
        self._write(super().set_tag, *arguments)


@pytest.fixture(autouse=True)
def no_settling(monkeypatch):
    """Where nobody else promotes there is nothing to settle."""
    monkeypatch.setattr("twinpin.pair.lease.SETTLE", 0.0)


@pytest.fixture
def promoter(settings, registry):
    """Who moves the alias."""
    return Promoter(dataclasses.replace(settings, promoter="ann"), registry)


@pytest.fixture
def two(pairs):
    """Two pairs, the older one in production."""
    old = Versions(*pairs.pair(tag="old", alias="production")[:2])
    return old, Versions(*pairs.pair(tag="new")[:2])


def failing(promoter, settings, error, *numbers, after=False):
    """Make the same promoter on a registry that fails."""
    registry = Failing(settings.registry_uri, error, *numbers, after=after)
    return Promoter(dataclasses.replace(settings, promoter="ann"), registry)


def test_both_halves_move_and_the_move_is_recorded(promoter, two):
    """Who, when, from, to; and the lease is free again."""
    old, new = two
    moved = promoter.promote(new)
    (move,) = promoter.history.read()

    assert (moved.before, moved.after, moved.evidence) == (old, new, "tag")
    assert promoter.now() == new
    assert (move.verb, move.owner, move.before, move.after) == ("promote", "ann", old, new)
    assert promoter.lease.read() is None


def test_the_first_promotion_sets_what_was_not_there(promoter, pairs):
    """And has no pair before."""
    first = Versions(*pairs.pair()[:2])
    promoter.promote(first)

    assert promoter.now() == first
    with pytest.raises(NothingBefore, match="'production'"):
        promoter.rollback()


def test_a_promotion_to_where_the_alias_is_changes_nothing(promoter, two):
    """A pipeline may run twice."""
    old, _ = two
    moved = promoter.promote(old)

    assert moved.document["changed"] is False
    assert promoter.history.read() == ()


def test_what_is_no_pair_is_refused_before_anything_is_written(promoter, two, pairs):
    """Neither tag, nor schema, nor a missing version gets as far as the lease."""
    old, new = two
    misfit = pairs.pair(declared=(signature(outputs=columns("a")), signature(inputs=columns("b"))))
    for wanted, error in (
        (Versions(old.preprocessor, new.model), NotAPair),
        (Versions(*misfit[:2]), SchemaMisfit),
        (Versions("99", "99"), UnknownName),
    ):
        with pytest.raises(error):
            promoter.promote(wanted)

    assert promoter.now() == old
    assert promoter.lease.read() is None


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("write", [1, 2])
def test_an_error_between_the_writes_puts_the_pair_before_back(promoter, settings, two, write, after):
    """Whether or not the write that failed was made: write 0 is the lease, 1 and 2 are the aliases."""
    old, new = two
    with pytest.raises(MoveUndone, match="The pair before is back"):
        failing(promoter, settings, Unreachable("Gone."), write, after=after).promote(new)

    assert promoter.now() == old
    assert promoter.lease.read() is None
    assert promoter.history.read() == ()


def test_an_undone_first_promotion_leaves_no_alias(promoter, settings, pairs):
    """The state before is that there is none."""
    first = Versions(*pairs.pair()[:2])
    with pytest.raises(MoveUndone):
        failing(promoter, settings, Unreachable("Gone."), 2).promote(first)

    assert promoter.now() == Versions(None, None)


def test_an_interrupt_is_undone_too(promoter, settings, two):
    """Ctrl-C, or SIGTERM in a job."""
    old, new = two
    with pytest.raises(KeyboardInterrupt):
        failing(promoter, settings, KeyboardInterrupt(), 2).promote(new)

    assert promoter.now() == old
    assert promoter.lease.read() is None


def test_a_move_that_cannot_be_undone_leaves_its_intent(promoter, settings, two):
    """The registry went down for good; later, repair completes the move."""
    old, new = two
    with pytest.raises(LeftLease, match="could not be undone") as caught:
        failing(promoter, settings, Unreachable("Gone."), *range(2, 99)).promote(new)
    half = promoter.now()
    with pytest.raises(LeaseHeld):
        promoter.repair()
    age_lease(promoter)
    with pytest.raises(LeftLease, match="died half-way"):
        promoter.promote(old)
    moved = promoter.repair()

    assert caught.value.mend == "twinpin promote --repair"
    assert half == Versions(new.preprocessor, old.model)
    assert (moved.after, promoter.now()) == (new, new)
    assert promoter.lease.read() is None
    assert [(move.owner, move.before, move.after) for move in promoter.history.read()] == [("ann", old, new)]


def test_repair_reverts_where_the_new_pair_is_gone(promoter, settings, two, pairs):
    """Its model was deleted while the promotion lay dead."""
    old, new = two
    with pytest.raises(LeftLease):
        failing(promoter, settings, Unreachable("Gone."), *range(2, 99)).promote(new)
    pairs.client.delete_model_version(MODEL, new.model)
    age_lease(promoter)
    moved = promoter.repair()

    assert (moved.after, promoter.now()) == (old, old)


def test_repair_keeps_a_pair_that_somebody_set_by_hand_since(promoter, settings, two, pairs):
    """It is newer than the intent."""
    _, new = two
    with pytest.raises(LeftLease):
        failing(promoter, settings, Unreachable("Gone."), *range(2, 99)).promote(new)
    third = Versions(*pairs.pair(alias="production")[:2])
    age_lease(promoter)
    promoter.repair()

    assert promoter.now() == third
    assert promoter.lease.read() is None


def test_force_goes_where_repair_cannot(promoter, settings, two, pairs):
    """Neither end of the dead move is a pair any more."""
    old, new = two
    with pytest.raises(LeftLease):
        failing(promoter, settings, Unreachable("Gone."), *range(2, 99)).promote(new)
    for version in (old.model, new.model):
        pairs.client.delete_model_version(MODEL, version)
    third = Versions(*pairs.pair()[:2])
    age_lease(promoter)
    with pytest.raises(LeftLease, match="is a pair"):
        promoter.repair()
    promoter.promote(third, force=True)

    assert promoter.now() == third
    assert promoter.lease.read() is None


def test_repair_with_nothing_to_repair_says_what_is(promoter, two, pairs):
    """A good pair stays; a half-moved alias without an intent is nobody's to complete."""
    old, new = two
    moved = promoter.repair()
    pairs.alias("production", new.preprocessor, None)

    assert moved.before == moved.after == old
    with pytest.raises(NotAPair):
        promoter.repair()


crashes = st.tuples(st.integers(0, 4), st.booleans())


@profile(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(crashes=st.tuples(crashes, crashes))
def test_after_any_crash_repair_ends_on_a_whole_pair(pairs, settings, two, crashes):
    """The promoter dies at any write, the first repair dies at any write, the next one ends it."""
    old, new = two
    pairs.alias("production", *old)
    whole = Promoter(settings, MlflowRegistry(pairs.uri))
    for (number, after), act in zip(crashes, ("promote", "repair"), strict=True):
        dying = Promoter(settings, Failing(pairs.uri, Killed(), number, after=after))
        dying._undo = lambda *_: None  # a killed process undoes nothing
        with contextlib.suppress(Killed, PairError):
            dying.promote(new) if act == "promote" else dying.repair()
        if whole.lease.read():
            age_lease(whole)
    whole.repair()

    assert whole.now() in (old, new)
    assert whole.lease.read() is None


def test_a_lease_that_is_held_is_respected(promoter, two):
    """Nothing is written while another is at work."""
    old, new = two
    promoter.lease.take("promote", "bob", old, new, 60.0)

    with pytest.raises(LeaseHeld, match="bob"):
        promoter.promote(new)
    assert promoter.now() == old


def test_who_loses_the_lease_in_the_middle_undoes_nothing(promoter, settings, two):
    """The alias is the other's by then."""
    old, new = two

    class TakenOver(MlflowRegistry):
        """A registry in which bob writes over the lease right after the first alias was moved."""

        def set_alias(self, *arguments):
            super().set_alias(*arguments)
            promoter.lease.take("promote", "bob", old, new, 60.0)

    with pytest.raises(LeaseLost, match="bob"):
        Promoter(settings, TakenOver(settings.registry_uri)).promote(new)

    assert promoter.now() == Versions(new.preprocessor, old.model)
    assert promoter.lease.read().owner == "bob"


def test_a_lease_that_runs_out_stops_the_move_and_is_undone(promoter, settings, two):
    """A promoter that hung for minutes must not go on as if nothing had been."""
    old, new = two

    class Slow(MlflowRegistry):
        """A registry that answers when the lease is over."""

        def set_alias(self, *arguments):
            super().set_alias(*arguments)
            while promoter.lease.read().live:
                pass

    with pytest.raises(MoveUndone, match="ran out"):
        Promoter(dataclasses.replace(settings, lease_seconds=0.2), Slow(settings.registry_uri)).promote(new)
    assert promoter.now() == old
    assert promoter.lease.read() is None


def test_promoters_at_once_leave_a_whole_pair(settings, pairs, monkeypatch):
    """The lease decides; who does not get it says so, and nothing is mixed."""
    monkeypatch.setattr("twinpin.pair.lease.SETTLE", 0.2)
    made = [Versions(*pairs.pair()[:2]) for _ in range(4)]

    def attempt(wanted):
        try:
            return Promoter(settings, MlflowRegistry(pairs.uri)).promote(wanted)
        except PairError as error:
            return error

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(attempt, made))

    assert Promoter(settings, MlflowRegistry(pairs.uri)).now() in made
    assert [repr(each) for each in done if isinstance(each, Exception) and each.exit_code != 4] == []


def test_rollbacks_walk_back_through_the_promotions(promoter, pairs):
    """Two in a row go back two pairs; a third has nowhere to go."""
    made = [Versions(*pairs.pair()[:2]) for _ in range(3)]
    for each in made:
        promoter.promote(each)
    moved = [promoter.rollback().after, promoter.rollback().after]

    assert moved == [made[1], made[0]]
    assert promoter.now() == made[0]
    with pytest.raises(NothingBefore):
        promoter.rollback()


def test_a_rollback_may_name_its_pair(promoter, two):
    """By the id that every answer carries."""
    old, new = two
    promoter.promote(new)
    promoter.rollback(parse_pair("p1-m1-3fa9c1"))

    assert promoter.now() == old


def test_a_rollback_from_what_was_set_by_hand_goes_to_the_last_pair_we_set(promoter, two, pairs):
    """Also where the hand moved one half alone."""
    _, new = two
    promoter.promote(new)
    pairs.alias("production", "1", None)
    promoter.rollback()

    assert promoter.now() == new


@pytest.mark.parametrize("text", ["", "7-12", "p7", "p7-m12-xyz", "p7-m12-3fa9c1-"])
def test_what_names_no_pair_is_refused(text):
    """A typing error must not become a search."""
    with pytest.raises(Refused, match="names no pair"):
        parse_pair(text)


def test_the_pair_may_be_named_by_run_or_tag(promoter, pairs):
    """Pipelines know the run; people know the tag."""
    by_run = pairs.pair()
    by_tag = pairs.pair(tag="spring")

    assert promoter.by_run(by_run[2]) == Versions(*by_run[:2])
    assert promoter.by_tag("spring") == Versions(*by_tag[:2])


def test_a_name_that_fits_none_or_two_is_refused(promoter, pairs):
    """And the message lists what there is to choose from."""
    run = pairs.run()
    pairs.version(PREPROCESSOR, run)
    with pytest.raises(UnknownName, match=f"No version of {MODEL}|{MODEL}"):
        promoter.by_run(run)
    pairs.version(PREPROCESSOR, run)
    pairs.version(MODEL, run)

    with pytest.raises(UnknownName, match=r"More than one version .* \(1, 2\)"):
        promoter.by_run(run)
    with pytest.raises(UnknownName, match="quotes"):
        promoter.by_tag("x' or name LIKE '%")


def test_the_record_forgets_the_oldest_before_it_is_too_long(promoter, pairs):
    """Older MLflow servers take 5000 characters."""
    pairs.pair()
    move = Move(verb="promote", owner="o" * 200, at=dt.datetime.now(dt.UTC), before=("1", "1"), after=("2", "2"))
    for number in range(40):
        promoter.history.add(move.model_copy(update={"after": Versions(str(number), "2")}))
    moves = promoter.history.read()
    text = promoter._registry.tags(MODEL)[promoter.history.key]

    assert len(text) <= LIMIT
    assert 10 < len(moves) < 40
    assert moves[0].after == Versions("39", "2")


def test_an_edited_record_is_refused(promoter, two):
    """It is not overwritten in silence."""
    promoter._registry.set_tag(MODEL, promoter.history.key, "[{}]")
    with pytest.raises(Refused, match="somebody edited it"):
        promoter.rollback()
    promoter._registry.set_tag(MODEL, promoter.lease.key, "bob")

    with pytest.raises(LeftLease, match="somebody edited it"):
        promoter.promote(two[1])


def test_the_pair_before_nothing_is_none():
    """A record that was never written names none."""
    assert before((), Versions("1", "1")) is None


def test_half_an_alias_is_no_pair(promoter, pairs):
    """Repair of an alias that only one half carries says what is missing."""
    preprocessor, _, _ = pairs.pair()
    pairs.alias("production", preprocessor, None)

    with pytest.raises(HalfMoved, match="p1-m-"):
        promoter.repair()
