"""The alias becomes one pinned, verified pair on disk; whatever moves meanwhile, never a mixed one."""

import dataclasses
import json
import shutil
import time

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from pairs import FITTING, MODEL, PREPROCESSOR, columns, signature, tensor

from twinpin.pair.errors import (
    BadPin,
    DigestMismatch,
    FolderBusy,
    HalfMoved,
    NoAlias,
    OtherPin,
    SchemaMisfit,
    UnknownName,
    Unreachable,
    UnusableFolder,
)
from twinpin.pair.folder import PairFolder
from twinpin.pair.registry import MlflowRegistry
from twinpin.pair.resolve import resolve


class Down:
    """A registry that cannot be reached, whatever it is asked."""

    def __getattr__(self, name):
        def unreachable(*_arguments, **_more):
            raise Unreachable(f"Could not {name}.")

        return unreachable


def test_the_folder_holds_what_the_pin_says(pairs, settings):
    """Both trees, and a Pin that names them."""
    preprocessor, model, run = pairs.pair(alias="production")
    pin = resolve(settings)
    folder = PairFolder(settings.pair_dir)

    assert pin.id.startswith(f"p{preprocessor}-m{model}-")
    assert (pin.preprocessor.run_id, pin.model.run_id, pin.evidence) == (run, run, "run")
    assert json.loads((settings.pair_dir / "pin.json").read_text()) == pin.model_dump(mode="json")
    assert folder.verified() == pin
    assert b"xgboost_preprocessor" in (folder.preprocessor / "data" / "weights.bin").read_bytes()
    assert b"xgboost_model" in (folder.model / "data" / "weights.bin").read_bytes()
    assert not list(settings.pair_dir.rglob("registered_model_meta"))


def test_a_rollout_stays_on_its_pair_when_the_alias_moves(pairs, settings, tmp_path):
    """Only a new rollout takes the new pair."""
    pairs.pair(alias="production")
    first = resolve(dataclasses.replace(settings, pins_dir=tmp_path / "pins"))
    pairs.pair(alias="production")
    late = dataclasses.replace(settings, pins_dir=tmp_path / "pins", pair_dir=tmp_path / "late")

    assert resolve(late) == first
    assert resolve(dataclasses.replace(late, rollout="r2")).id != first.id


def test_a_restart_needs_neither_registry_nor_pins(pairs, settings):
    """The pod has its pair already."""
    pairs.pair(alias="production")
    first = resolve(settings)

    assert resolve(settings, registry=Down(), pins=Down()) == first


def test_a_late_pod_needs_no_registry_when_the_cache_has_the_pair(pairs, settings, tmp_path):
    """A registry that is down must not stop a scale-up."""
    shared = dataclasses.replace(settings, pins_dir=tmp_path / "pins", cache_dir=tmp_path / "cache")
    pairs.pair(alias="production")
    first = resolve(shared)
    late = dataclasses.replace(shared, pair_dir=tmp_path / "late")

    assert resolve(late, registry=Down()) == first
    assert PairFolder(late.pair_dir).verified() == first


def test_a_late_pod_without_cache_waits_for_the_registry(pairs, settings, tmp_path):
    """And says so when the deadline is over."""
    shared = dataclasses.replace(settings, pins_dir=tmp_path / "pins")
    pairs.pair(alias="production")
    resolve(shared)

    with pytest.raises(Unreachable, match="Gave up after"):
        resolve(dataclasses.replace(shared, pair_dir=tmp_path / "late"), registry=Down())


@pytest.mark.parametrize("damage", ["model/MLmodel", "preprocessor/data/weights.bin", "pin.json"])
def test_a_damaged_folder_is_filled_anew(pairs, settings, damage):
    """Disks lie; the Pin does not."""
    pairs.pair(alias="production")
    first = resolve(settings)
    (settings.pair_dir / damage).write_text("damage")

    assert resolve(settings) == first
    assert PairFolder(settings.pair_dir).verified() == first


def test_a_resolver_that_was_killed_leaves_nothing_behind(pairs, settings):
    """Its half-made trees are swept by the next one, and were never taken for a pair."""
    pairs.pair(alias="production")
    left = settings.pair_dir / ".twinpin-dead" / "model"
    left.mkdir(parents=True)
    (settings.pair_dir / "model").mkdir()
    seen = PairFolder(settings.pair_dir).read()
    resolve(settings)

    assert seen is None
    assert sorted(path.name for path in settings.pair_dir.iterdir()) == [
        ".lock",
        "model",
        "pin.json",
        "pins",
        "preprocessor",
    ]


def test_an_artifact_that_was_changed_in_the_store_is_refused(pairs, settings, tmp_path):
    """A version is what it was when it was pinned, or it is not served."""
    shared = dataclasses.replace(settings, pins_dir=tmp_path / "pins")
    pairs.pair(alias="production")
    resolve(shared)
    (weights,) = (tmp_path / "trees" / "artifacts").glob("*/artifacts/artifact-2/data/weights.bin")
    weights.write_text("tampered")

    with pytest.raises(DigestMismatch, match=f"{MODEL} 1 is not the one that was pinned"):
        resolve(dataclasses.replace(shared, pair_dir=tmp_path / "late"))


def test_a_half_moved_alias_names_both_versions_and_both_pairs(pairs, settings):
    """It is temporary, so the deadline decides, and a person can act on what is said."""
    pairs.pair(tag="old", alias="production")
    preprocessor, _, _ = pairs.pair(tag="new")
    pairs.alias("production", preprocessor, None)

    with pytest.raises(HalfMoved) as caught:
        resolve(settings)
    for words in ("'production'", f"{PREPROCESSOR} 2", f"{MODEL} 1", "'new'", "'old'", "Gave up"):
        assert words in caught.value.message
    assert not (settings.pair_dir / "pin.json").exists()


def test_a_half_moved_alias_is_waited_for(pairs, settings):
    """The other half follows within the deadline."""
    pairs.pair(alias="production")
    preprocessor, model, _ = pairs.pair()
    pairs.alias("production", preprocessor, None)

    class SecondHalf(MlflowRegistry):
        """A promoter that makes its second write after the resolver's third look."""

        looks = 0

        def aliased(self, name, alias):
            self.looks += 1
            if self.looks == 6:
                pairs.alias(alias, None, model)
            return super().aliased(name, alias)

    pin = resolve(dataclasses.replace(settings, resolve_deadline=30.0), registry=SecondHalf(pairs.uri))

    assert (pin.preprocessor.version, pin.model.version) == (preprocessor, model)


def test_an_alias_on_one_half_alone_is_temporary(pairs, settings):
    """So looks the very first promotion between its two writes."""
    preprocessor, _, _ = pairs.pair()
    pairs.alias("production", preprocessor, None)

    with pytest.raises(HalfMoved, match=f"is on {PREPROCESSOR} 1, but not on {MODEL}"):
        resolve(settings)


def test_no_alias_and_no_model_are_refused_at_once(pairs, settings):
    """Waiting an hour would not help, so the deadline is not used."""
    patient = dataclasses.replace(settings, resolve_deadline=3600.0)
    with pytest.raises(UnknownName, match=PREPROCESSOR):
        resolve(patient)
    pairs.pair()

    with pytest.raises(NoAlias, match="Neither") as caught:
        resolve(patient)
    assert caught.value.mend.startswith("twinpin promote")


def test_a_pair_whose_schemas_do_not_meet_is_refused(pairs, settings):
    """One run may log a preprocessor for another model."""
    pairs.pair(declared=(signature(outputs=columns("x")), signature(inputs=columns("x", "y"))), alias="production")

    with pytest.raises(SchemaMisfit, match="does not give y"):
        resolve(settings)


@pytest.mark.parametrize(
    "declared", [(None, None), FITTING, (signature(outputs=tensor(-1, 2)), signature(inputs=tensor(-1, 2)))]
)
def test_what_declares_nothing_or_the_same_is_served(pairs, settings, declared):
    """The check is about what is said, not about silence."""
    pairs.pair(declared=declared, alias="production")

    assert resolve(settings).evidence == "run"


def test_a_rollout_cannot_change_its_names(pairs, settings):
    """A new alias under an old rollout would change nothing, silently."""
    pairs.pair(alias="production")
    resolve(settings)

    with pytest.raises(OtherPin, match="start a new rollout"):
        resolve(dataclasses.replace(settings, alias="staging"))


def test_a_pin_that_was_edited_is_refused(pairs, settings):
    """It is not overwritten: others may serve by it."""
    pairs.pair(alias="production")
    resolve(settings)
    (settings.pair_dir / "pins" / "r1.json").write_text("{}")

    with pytest.raises(BadPin):
        resolve(settings)


def test_a_folder_that_another_resolver_fills_is_waited_for(pairs, settings):
    """Two containers of one pod may share it."""
    pairs.pair(alias="production")
    with PairFolder(settings.pair_dir).locked(), pytest.raises(FolderBusy):
        resolve(settings)

    assert resolve(settings).rollout == "r1"


@pytest.mark.parametrize("wrong", ["pair_dir", "pins_dir"])
def test_a_folder_that_cannot_be_made_is_refused_by_name(pairs, settings, tmp_path, wrong):
    """A file stands in its place; the sentence says which setting to change."""
    pairs.pair(alias="production")
    (tmp_path / "file").write_text("here first")
    with pytest.raises(UnusableFolder, match="--pair-dir") as caught:
        resolve(dataclasses.replace(settings, **{wrong: tmp_path / "file" / "folder"}))

    assert str(tmp_path / "file") in caught.value.message


def test_the_deadline_holds(pairs, settings):
    """Trying stops when it said it would."""
    started = time.monotonic()
    with pytest.raises(Unreachable):
        resolve(dataclasses.replace(settings, resolve_deadline=1.0), registry=Down())

    assert time.monotonic() - started < 2.0


class Promoter:
    """Moves the alias to one pair after another, as carelessly as can be: in any order and pace, with crashes."""

    def __init__(self, pairs, made, plan, pace):
        self._pairs = pairs
        self._pace = list(pace)
        self._writes = []
        for target, preprocessor_first, crashes in plan:
            halves = [(made[target][0], None), (None, made[target][1])]
            self._writes += (halves if preprocessor_first else halves[::-1])[: 1 if crashes else 2]

    def go_on(self):
        """Make the writes that the pace says come next; one when it says nothing more."""
        for _ in range(self._pace.pop(0) if self._pace else 1):
            if self._writes:
                self._pairs.alias("production", *self._writes.pop(0))


class Interleaved(MlflowRegistry):
    """A registry in which a promoter goes on just before each question is answered."""

    def __init__(self, uri, promoter):
        super().__init__(uri)
        self._promoter = promoter

    def aliased(self, name, alias):
        """Let the promoter go on, then look."""
        self._promoter.go_on()
        return super().aliased(name, alias)

    def download(self, version, folder):
        """Let the promoter go on, then download."""
        self._promoter.go_on()
        super().download(version, folder)


@pytest.fixture
def three(pairs):
    """Three pairs to move between."""
    return [pairs.pair(alias="production")[:2] for _ in range(3)]


@pytest.fixture
def pods(settings, tmp_path):
    """Make the settings of fresh pods that share the Pins of a fresh rollout."""

    def made(number):
        shutil.rmtree(tmp_path / "work", ignore_errors=True)
        shared = dataclasses.replace(settings, pins_dir=tmp_path / "work" / "pins")
        return [dataclasses.replace(shared, pair_dir=tmp_path / "work" / f"pod-{pod}") for pod in range(number)]

    return made


plans = st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.booleans()), max_size=6)
paces = st.lists(st.integers(0, 3), max_size=30)


@profile(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.tuples(plans, paces), number=st.integers(1, 4))
def test_no_interleaving_with_a_promoter_gives_a_mixed_pair(pairs, three, pods, moves, number):
    """Each resolver gets a whole pair or none, and all of one rollout get the same."""
    pairs.alias("production", *three[0])
    registry = Interleaved(pairs.uri, Promoter(pairs, three, *moves))
    got = []
    for pod in pods(number):
        try:
            got.append(resolve(pod, registry=registry))
        except HalfMoved:
            assert PairFolder(pod.pair_dir).read() is None
        else:
            assert PairFolder(pod.pair_dir).verified() == got[-1]

    assert {(pin.preprocessor.version, pin.model.version) for pin in got} <= set(three)
    assert len(set(got)) <= 1
