"""The cache gives back exactly what was put in, or nothing."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from pairs import write_tree

from twinpin.pair import tree
from twinpin.pair.cache import Cache


@pytest.fixture
def cache(tmp_path):
    """An empty cache."""
    return Cache(tmp_path / "cache", keep=2)


def put(cache, folder, content):
    """Put a tree in; returns its digest."""
    made = write_tree(folder / content, content, None)
    digest = tree.digest(made)
    cache.put(digest, made)
    return digest


def test_what_was_put_in_comes_back(cache, tmp_path):
    """Byte by byte."""
    digest = put(cache, tmp_path, "one")

    assert cache.take(digest, tmp_path / "back")
    assert tree.digest(tmp_path / "back") == digest


def test_what_is_not_there_is_a_miss(cache, tmp_path):
    """And leaves nothing behind."""
    assert not cache.take("sha256:0", tmp_path / "back")
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("damage", ["changed", "gone", "added", "link"])
def test_a_damaged_entry_is_thrown_away_and_replaced(cache, tmp_path, damage):
    """A bad disk costs a download, never a wrong model."""
    digest = put(cache, tmp_path, "one")
    victim = next(cache.folder.glob("*/MLmodel"))
    if damage == "added":
        (victim.parent / "more").touch()
    elif damage == "changed":
        victim.write_text("flavors: {}")
    else:
        victim.unlink()
    if damage == "link":
        victim.symlink_to("/dev/null")
    missed = cache.take(digest, tmp_path / "back")
    left = list(cache.folder.iterdir())
    cache.put(digest, tmp_path / "one")

    assert not missed
    assert left == []
    assert cache.take(digest, tmp_path / "back")


def test_the_least_used_go_first(cache, tmp_path):
    """A cache must not fill the disk; what pods still take stays."""
    first, second = put(cache, tmp_path, "one"), put(cache, tmp_path, "two")
    for age, entry in ((300, first), (200, second)):
        os.utime(cache._entry(entry), (age, age))
    cache.take(first, tmp_path / "used")
    third = put(cache, tmp_path, "three")

    assert cache.take(first, tmp_path / "first")
    assert cache.take(third, tmp_path / "third")
    assert not cache.take(second, tmp_path / "second")


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, caplog):
    """It saves time; it must not cost a start."""
    (tmp_path / "cache").write_text("a file where the folder should be")
    put(Cache(tmp_path / "cache"), tmp_path, "one")

    assert "Cannot keep the artifact" in caplog.text


def test_many_may_put_take_and_prune_at_once(tmp_path):
    """Every taker gets the right tree or none, whatever the others do."""
    cache = Cache(tmp_path / "cache", keep=1)
    made = {name: write_tree(tmp_path / name, name, None) for name in "abc"}
    digests = {name: tree.digest(folder) for name, folder in made.items()}

    def work(number):
        name = "abc"[number % 3]
        cache.put(digests[name], made[name])
        into = tmp_path / f"out-{number}"
        return not cache.take(digests[name], into) or tree.digest(into) == digests[name]

    with ThreadPoolExecutor(8) as pool:
        right = list(pool.map(work, range(60)))

    assert all(right)
