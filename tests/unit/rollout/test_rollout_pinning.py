"""What the controller makes of a real registry: the alias as it stands, and the Pin of a pair."""

import asyncio

import pytest
from mlflow import MlflowClient
from pairs import MODEL, PREPROCESSOR, Pairs

from twinpin.pair.errors import HalfMoved
from twinpin.pair.promote import Promoter
from twinpin.pair.registry import MlflowRegistry
from twinpin.pair.resolve import resolve
from twinpin.pair.settings import Settings
from twinpin.pair.version import Versions
from twinpin.rollout.pinning import RegistryPairs
from twinpin.rollout.snapshot import Aliased, NoPair

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:(mlflow|pydantic|sqlalchemy|alembic).*")


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    """A registry of SQLite."""
    made = f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"
    MlflowClient(tracking_uri=made, registry_uri=made).search_registered_models()
    return made


@pytest.fixture
def settings(uri, request, tmp_path):
    """Settings with an alias of the test's own."""
    return Settings(registry_uri=uri, alias=request.node.name[:40].replace("_", "-"), pair_dir=tmp_path / "pair")


@pytest.fixture
def pairs(uri, tmp_path):
    """A maker of pairs."""
    return Pairs(uri, tmp_path / "trees")


@pytest.fixture
def found(settings):
    """The registry as the controller asks it."""
    return RegistryPairs(settings, MlflowRegistry(settings.registry_uri))


def test_the_alias_tells_its_pair_and_who_moved_it(pairs, found, settings):
    """The mover is known where the move was one of ours."""
    pair = pairs.pair()
    settings = Settings(registry_uri=settings.registry_uri, alias=settings.alias, promoter="ann")
    Promoter(settings, found.registry).promote(Versions(*pair[:2]))

    assert asyncio.run(found.alias()) == Aliased(Versions(*pair[:2]), "ann", "promote")


def test_a_move_that_is_not_recorded_yet_is_told_by_its_intent(pairs, found, settings):
    """Both halves are moved a moment before the record is written."""
    pair = pairs.pair(alias=settings.alias)
    lease = Promoter(settings, found.registry).lease
    lease.take("rollback", "ann", Versions("1", "1"), Versions(*pair[:2]), 60)

    assert asyncio.run(found.alias()) == Aliased(Versions(*pair[:2]), "ann", "rollback")


def test_nobody_is_named_where_the_alias_was_moved_without_twinpin(pairs, found, settings):
    """Whoever moved it before did not move it here."""
    one, other = pairs.pair(), pairs.pair()
    Promoter(settings, found.registry).promote(Versions(*one[:2]))
    pairs.alias(settings.alias, *other[:2])

    assert asyncio.run(found.alias()) == Aliased(Versions(*other[:2]))


def test_a_half_moved_alias_may_come_back_by_itself(pairs, found, settings):
    """Halves of two pairs are no pair."""
    one, other = pairs.pair(), pairs.pair()
    pairs.alias(settings.alias, one[0], other[1])

    told = asyncio.run(found.alias())

    assert isinstance(told, NoPair)
    assert (told.reason, told.gone) == ("HalfMoved", False)
    assert told.message.endswith("Mend: twinpin promote --repair")


def test_an_alias_on_nothing_is_gone(pairs, found):
    """Nobody is about to move it."""
    pairs.pair()

    told = asyncio.run(found.alias())

    assert (told.reason, told.gone) == ("NoAlias", True)


def test_a_pin_is_the_one_that_a_pod_would_make(pairs, found, settings):
    """Only its rollout is another: it is called after the pair."""
    pair = pairs.pair(alias=settings.alias)

    made = asyncio.run(found.pin(Versions(*pair[:2]))).pin

    theirs = resolve(settings)
    assert made.rollout == made.id
    assert (made.id, made.preprocessor, made.model) == (theirs.id, theirs.preprocessor, theirs.model)


def test_two_versions_that_are_no_pair_get_no_pin(pairs, found):
    """The alias was read in the middle of a move."""
    one, other = pairs.pair(), pairs.pair()

    with pytest.raises(HalfMoved, match=f"{PREPROCESSOR}.*{MODEL}"):
        asyncio.run(found.pin(Versions(one[0], other[1])))
