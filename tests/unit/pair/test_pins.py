"""A rollout has one Pin, made by the first that comes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from twinpin.pair.errors import BadPin, Refused
from twinpin.pair.pin import Half, Pin
from twinpin.pair.pins import FilePins
from twinpin.pair.version import stamp


def pin(number, rollout="r1"):
    """Make a Pin that differs from others by its versions."""
    halves = [Half(name=name, version=str(number), run_id=None, digest=f"sha256:{number:064x}") for name in "pm"]
    return Pin(
        id=stamp(*halves),
        rollout=rollout,
        alias="production",
        preprocessor=halves[0],
        model=halves[1],
        evidence="run",
        created=datetime.now(UTC),
    )


def test_what_was_created_is_read(tmp_path):
    """By a process that never saw the first."""
    made = FilePins(tmp_path).create(pin(1))

    assert FilePins(tmp_path).read("r1") == made
    assert FilePins(tmp_path).read("r2") is None


def test_all_who_come_at_once_get_the_same(tmp_path):
    """Each brings its own pair; one holds for all."""
    with ThreadPoolExecutor(16) as pool:
        got = list(pool.map(lambda number: FilePins(tmp_path).create(pin(number)), range(64)))

    assert len(set(got)) == 1
    assert FilePins(tmp_path).read("r1") == got[0]


@pytest.mark.parametrize("rollout", ["../r1", "", "R1", "a/b", ".", "-r", "r" * 64])
def test_a_rollout_cannot_lead_out_of_the_folder(tmp_path, rollout):
    """Its name becomes a file here and an object in a cluster."""
    with pytest.raises(Refused, match="cannot be called"):
        FilePins(tmp_path).read(rollout)


@pytest.mark.parametrize("text", ["", "{}", "not json"])
def test_an_edited_pin_is_refused(tmp_path, text):
    """A Pin that cannot be read must not be taken for none, or a second pair would start."""
    (tmp_path / "r1.json").write_text(text)

    with pytest.raises(BadPin, match=r"r1\.json"):
        FilePins(tmp_path).read("r1")


def test_the_stamp_names_versions_and_contents():
    """Two registries with the same version numbers give two stamps."""
    first, other = (
        [Half(name=name, version=str(version), run_id=None, digest=digest) for name, version in (("p", 7), ("m", 12))]
        for digest in ("sha256:0", "sha256:1")
    )

    assert stamp(*first).startswith("p7-m12-")
    assert len(stamp(*first)) == len("p7-m12-3fa9c1")
    assert stamp(*first) != stamp(*other)
