"""Why two versions belong together, strongest reason first."""

import pytest
from pairs import MODEL, PREPROCESSOR

from twinpin.pair.errors import NotAPair, NotReady, Pending
from twinpin.pair.evidence import examine
from twinpin.pair.version import Pair, Version


@pytest.fixture
def judge(pairs, registry):
    """Examine two versions of the registry by their numbers."""

    def examined(preprocessor, model):
        return examine(registry, Pair(registry.version(PREPROCESSOR, preprocessor), registry.version(MODEL, model)))

    return examined


def test_one_run_made_both(pairs, judge):
    """The usual case: both are logged where they were trained."""
    preprocessor, model, _ = pairs.pair()

    assert judge(preprocessor, model) == "run"


def test_one_tag_outranks_the_run(pairs, judge):
    """Somebody said so, and a tag survives a copy to another registry."""
    preprocessor, model, _ = pairs.pair(tag="a")

    assert judge(preprocessor, model) == "tag"


def test_one_tag_joins_two_runs(pairs, judge):
    """A preprocessor may be older than its model."""
    preprocessor = pairs.version(PREPROCESSOR, tag="a")
    model = pairs.version(MODEL, tag="a")

    assert judge(str(preprocessor.version), str(model.version)) == "tag"


def test_the_models_run_took_the_preprocessor(pairs, judge):
    """MLflow 3 records what a run consumed."""
    preprocessor, model_id = pairs.logged_preprocessor()
    run = pairs.run()
    pairs.log_input(run, model_id)
    model = pairs.version(MODEL, run)

    assert judge(preprocessor, str(model.version)) == "lineage"


def test_another_preprocessor_of_the_same_lineage_is_refused(pairs, judge):
    """The run names one logged model, and only that."""
    _, model_id = pairs.logged_preprocessor()
    other, _ = pairs.logged_preprocessor()
    run = pairs.run()
    pairs.log_input(run, model_id)
    model = pairs.version(MODEL, run)

    with pytest.raises(NotAPair, match="does not name the preprocessor"):
        judge(other, str(model.version))


def test_two_runs_and_nothing_else_are_refused(pairs, judge):
    """Version numbers that look alike are no evidence."""
    first, _, _ = pairs.pair()
    _, second, _ = pairs.pair()

    with pytest.raises(NotAPair, match=f"{PREPROCESSOR} {first} .* {MODEL} {second} "):
        judge(first, second)


def test_tags_that_differ_are_refused_even_in_one_run(pairs, judge):
    """A tag says more than a run, so it is also believed when it speaks against the pair."""
    run = pairs.run()
    preprocessor = pairs.version(PREPROCESSOR, run, tag="a")
    model = pairs.version(MODEL, run, tag="b")

    with pytest.raises(NotAPair, match=r"'a'.*'b'") as caught:
        judge(str(preprocessor.version), str(model.version))
    assert caught.value.mend == "twinpin promote --pair b"


@pytest.mark.parametrize("tagged", [PREPROCESSOR, MODEL])
def test_a_tag_on_one_half_alone_is_refused(pairs, judge, tagged):
    """The message says which half lacks it."""
    run = pairs.run()
    made = [pairs.version(name, run, tag="a" if name == tagged else None) for name in (PREPROCESSOR, MODEL)]
    bare = MODEL if tagged == PREPROCESSOR else PREPROCESSOR

    with pytest.raises(NotAPair, match=f"{bare} 1 carries no tag"):
        judge(*(str(each.version) for each in made))


@pytest.mark.parametrize(("status", "error"), [("PENDING", Pending), ("FAILED", NotReady)])
@pytest.mark.parametrize("half", [0, 1])
def test_a_version_that_is_not_ready_is_not_served(registry, status, error, half):
    """Waiting helps where the registry is still at work; MLflow itself makes neither state on a SQL store."""
    versions = [Version(name, "3", run_id="r", status="READY") for name in (PREPROCESSOR, MODEL)]
    versions[half] = Version(versions[half].name, "3", run_id="r", status=status)

    with pytest.raises(error, match=f"{versions[half].name} 3"):
        examine(registry, Pair(*versions))
