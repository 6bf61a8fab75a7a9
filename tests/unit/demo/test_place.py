"""Place: what is reused, and what starts anew."""

import pytest

from demo_forecast import place as places


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """A cache folder of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_everything_lies_below_the_users_cache_folder(cache):
    """The checkout stays clean."""
    here = places.place(None, None)

    for folder in (here.registry, here.features, here.serving):
        assert folder.is_relative_to(cache / "twinpin" / "demo")


def test_an_address_with_a_password_names_no_folder():
    """It may be read by others."""
    here = places.place("http://me:secret@mlflow", "redis://:secret@store")

    assert "secret" not in str(here.registry) + str(here.features)


def test_another_store_keeps_the_pair():
    """Only the features are written again."""
    embedded, redis = places.place(None, None), places.place(None, "store:6379")

    assert embedded.registry == redis.registry
    assert embedded.features != redis.features


def test_a_remote_registry_has_its_own_store_for_artifacts():
    """An embedded one needs a folder."""
    assert places.place("http://mlflow", None).artifacts is None
    assert places.place(None, None).artifacts is not None


def test_clear_forgets_everything(cache):
    """`--fresh` starts from nothing."""
    here = places.place(None, None)
    here.registry.mkdir(parents=True)
    here.clear()

    assert not here.root.exists()
