"""`twinpin resolve` where a controller made the Pin before the pod: it is a file on a read-only volume."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from twinpin.pair.folder import PairFolder
from twinpin.pair.pin import Pin
from twinpin.pair.resolve import resolve

TWINPIN = Path(sys.executable).with_name("twinpin")


@pytest.fixture
def pinned(pairs, settings, tmp_path):
    """A pair that was pinned for a rollout elsewhere."""
    pairs.pair(alias=settings.alias)
    return resolve(replace(settings, pair_dir=tmp_path / "elsewhere", rollout="p7-m12-3fa9c1"))


@pytest.fixture
def mounted(pinned, tmp_path):
    """Its Pin as the kubelet lays out the key of a ConfigMap: links into a folder that it replaces as a whole."""
    volume = tmp_path / "pins"
    version = volume / "..2026_01_01"
    version.mkdir(parents=True)
    (version / f"{pinned.rollout}.json").write_text(pinned.model_dump_json(indent=2) + "\n")
    (volume / "..data").symlink_to(version.name)
    (volume / f"{pinned.rollout}.json").symlink_to(f"..data/{pinned.rollout}.json")
    for folder in (version, volume):
        folder.chmod(0o555)
    yield volume
    for folder in (version, volume):
        folder.chmod(0o755)


def run(settings, pins, rollout):
    """Resolve as a pod does."""
    environment = {
        "TWINPIN_REGISTRY_URI": settings.registry_uri,
        "TWINPIN_ALIAS": settings.alias,
        "TWINPIN_PAIR_DIR": str(settings.pair_dir),
        "TWINPIN_PINS_DIR": str(pins),
        "TWINPIN_ROLLOUT": rollout,
        "TWINPIN_RESOLVE_DEADLINE": "0",
    }
    command = [TWINPIN, "resolve", "--json"]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


def seen(folder):
    """What stands in a folder, and when that changed last."""
    return folder.stat().st_mtime_ns, sorted(each.name for each in folder.iterdir())


def test_the_pinned_pair_is_laid_down_and_the_alias_not_asked(pairs, settings, pinned, mounted):
    """Nothing is written beside the Pin, since nothing can be."""
    pairs.pair(alias=settings.alias)
    before = seen(mounted)

    done = run(settings, mounted, pinned.rollout)

    assert done.returncode == 0, done.stderr
    assert Pin.model_validate_json(done.stdout) == pinned
    assert PairFolder(settings.pair_dir).verified() == pinned
    assert seen(mounted) == before


def test_a_restart_takes_it_from_the_folder(settings, pinned, mounted):
    """A second start of the container finds both."""
    assert run(settings, mounted, pinned.rollout).returncode == 0

    done = run(settings, mounted, pinned.rollout)

    assert done.returncode == 0, done.stderr
    assert Pin.model_validate_json(done.stdout) == pinned


def test_a_pin_of_another_alias_is_refused(settings, pinned, mounted):
    """The values were changed under the rollout: its pods say so instead of serving something else."""
    done = run(replace(settings, alias="other"), mounted, pinned.rollout)

    assert done.returncode == 3
    assert "start a new rollout" in done.stdout + done.stderr
