"""A tree has one digest wherever it lies, and appears whole or not at all."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpin.pair import tree
from twinpin.pair.errors import BadArtifact

names = st.lists(st.sampled_from(["a", "b", "c.d", "ä"]), min_size=1, max_size=3).map("/".join)
trees = st.dictionaries(names, st.binary(max_size=40), min_size=1, max_size=5)


def grow(folder, files):
    """Write files below a folder, leaving out those that would stand where a folder stands."""
    for name, content in sorted(files.items(), key=lambda each: -each[0].count("/")):
        path = folder / name
        if path.exists() or any(parent.is_file() for parent in path.parents):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@given(trees)
def test_a_copy_has_the_same_digest_and_any_change_another(tmp_path_factory, files):
    """Order of writing, times and modes do not count; every byte and every name does."""
    folder = tmp_path_factory.mktemp("tree")
    first = grow(folder / "first", files)
    tree.copy(first, folder / "second")
    (folder / "second" / "empty").mkdir()
    before = tree.digest(first)
    same = tree.digest(folder / "second")
    victim = next(path for path in sorted(first.rglob("*")) if path.is_file())
    content = victim.read_bytes()
    victim.write_bytes(content + b"\0")
    grown = tree.digest(first)
    victim.write_bytes(content)
    victim.rename(victim.with_name("renamed"))

    assert same == before
    assert grown != before
    assert tree.digest(first) not in (before, grown)


def test_the_digest_is_the_documented_one(tmp_path):
    """Somebody without our code can compute it."""
    grow(tmp_path, {"b": b"2", "a/c": b"1"})
    lines = [f"{hashlib.sha256(content).hexdigest()} {name}\0" for name, content in (("a/c", b"1"), ("b", b"2"))]

    assert tree.digest(tmp_path) == f"sha256:{hashlib.sha256(''.join(lines).encode()).hexdigest()}"


@pytest.mark.parametrize("kind", ["file link", "folder link", "broken link", "pipe"])
def test_what_is_not_content_is_refused(tmp_path, kind):
    """A link could point outside of what was verified."""
    (tmp_path / "real").mkdir()
    odd = tmp_path / "real" / "odd"
    if kind == "pipe":
        os.mkfifo(odd)
    else:
        target = {"file link": tmp_path / "file", "folder link": tmp_path / "folder", "broken link": tmp_path / "no"}
        (tmp_path / "file").touch()
        (tmp_path / "folder").mkdir()
        odd.symlink_to(target[kind])

    with pytest.raises(BadArtifact, match="odd"):
        tree.digest(tmp_path / "real")


def test_of_many_creators_one_wins_and_nobody_reads_half(tmp_path):
    """The file appears with its content."""
    path = tmp_path / "deep" / "pin.json"
    texts = [f"{number}" * 10_000 for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda text: (tree.create(path, text), path.read_text()), texts))

    assert sum(created for created, _ in won) == 1
    assert len({read for _, read in won}) == 1
    assert won[0][1] in texts
    assert [each.name for each in path.parent.iterdir()] == ["pin.json"]


def test_a_move_onto_something_moves_nothing(tmp_path):
    """Who comes second learns that somebody was first."""
    first, second = grow(tmp_path / "first", {"a": b"1"}), grow(tmp_path / "second", {"a": b"2"})

    assert tree.move(first, tmp_path / "place")
    assert not tree.move(second, tmp_path / "place")
    assert (tmp_path / "place" / "a").read_bytes() == b"1"
