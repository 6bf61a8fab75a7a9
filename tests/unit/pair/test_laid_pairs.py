"""A server takes the pair that its init container laid, from a folder that it may not write."""

import dataclasses
import json
import subprocess
import sys

import pytest

from twinpin.pair.errors import OtherPin
from twinpin.pair.pins import FilePins
from twinpin.pair.resolve import resolve

#: Bind the folder to itself, read-only, in a mount namespace of its own, and run the rest there.
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && ! touch "$0/x" 2>/dev/null && exec "$@"'
TWINPIN = f"{sys.prefix}/bin/twinpin"


def unshared(folder, *command, **variables):
    """Run a command that finds *folder* read-only."""
    return subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-ec", READ_ONLY, folder, *command],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def laid(pairs, settings, tmp_path):
    """Settings of a server whose init container had a store of Pins that the server has not; the alias moved since."""
    pairs.pair(alias="production")
    resolve(settings, pins=FilePins(tmp_path / "elsewhere"))
    pairs.pair(alias="production")
    return settings


def test_the_pair_that_lies_there_is_taken(laid):
    """Whatever the alias says now, without a registry."""
    pin = resolve(dataclasses.replace(laid, registry_uri="http://127.0.0.1:1"))

    assert pin.preprocessor.version == "1"


def test_a_folder_of_other_names_is_refused(laid):
    """Its init container had other settings."""
    with pytest.raises(OtherPin):
        resolve(dataclasses.replace(laid, alias="staging"))


def test_a_store_of_pins_outranks_what_lies_there(laid, tmp_path):
    """Where there is one, it alone says what the rollout serves."""
    pin = resolve(dataclasses.replace(laid, pins_dir=tmp_path / "pins"))

    assert pin.preprocessor.version == "2"


def test_a_read_only_mount_is_enough(laid):
    """The server can change nothing in it, so it need not keep anybody out."""
    if unshared(laid.pair_dir, "true").returncode:
        pytest.skip("needs the right to mount in a namespace of its own")
    variables = {"TWINPIN_PAIR_DIR": str(laid.pair_dir), "TWINPIN_REGISTRY_URI": "http://127.0.0.1:1"}
    done = unshared(laid.pair_dir, TWINPIN, "resolve", "--json", **variables)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["preprocessor"]["version"] == "1"
