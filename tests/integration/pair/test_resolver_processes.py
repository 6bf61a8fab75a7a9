"""`twinpin resolve` as pods run it: many processes, one registry, a promoter that moves the alias meanwhile."""

import itertools
import json
import os
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow_server import free_port

from twinpin.pair.errors import HalfMoved
from twinpin.pair.folder import PairFolder
from twinpin.pair.pin import Pin
from twinpin.pair.registry import MlflowRegistry
from twinpin.pair.resolve import resolve

TWINPIN = Path(sys.executable).with_name("twinpin")
#: Moves of an alias that resolvers must have met, however slow the machine is.
MOVES = 5


def start(settings, *flags):
    """Start one resolver."""
    variables = {
        "TWINPIN_REGISTRY_URI": settings.registry_uri,
        "TWINPIN_ALIAS": settings.alias,
        "TWINPIN_PAIR_DIR": str(settings.pair_dir),
        "TWINPIN_RESOLVE_DEADLINE": "300",
    }
    return subprocess.Popen(
        [TWINPIN, "resolve", "--json", *flags],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    """Wait for a resolver; returns its exit code, its document and what it complained of."""
    out, err = process.communicate()
    return process.returncode, json.loads(out), err


@pytest.mark.timeout(400)  # ten interpreters on few cores
def test_ten_at_once_share_a_cache_and_a_pin(pairs, settings, tmp_path):
    """Five pods, of which each starts its resolver twice, on one cache: one Pin, five verified folders."""
    pairs.pair(alias=settings.alias)
    shared = (f"--pins-dir={tmp_path / 'pins'}", f"--cache-dir={tmp_path / 'cache'}")
    pods = [replace(settings, pair_dir=tmp_path / f"pod-{number % 5}") for number in range(10)]
    done = [finish(process) for process in [start(pod, *shared) for pod in pods]]
    pin = Pin.model_validate(done[0][1])

    assert [code for code, _, _ in done] == [0] * 10, done
    assert all(document == done[0][1] for _, document, _ in done)
    assert all(PairFolder(pod.pair_dir).verified() == pin for pod in pods)
    assert len(list((tmp_path / "cache").glob("sha256-*"))) == 2
    assert not list(tmp_path.glob("**/.twinpin-*"))


BARE = """
import sys
for name in ("numpy", "pandas", "sqlalchemy", "alembic", "flask", "sklearn", "pyarrow"):
    sys.modules[name] = None
sys.argv[1:] = ["resolve", "--json"]
from twinpin.cli import main
try:
    main()
finally:
    print(*sorted(name for name in ("mlflow", "kserve") if name in sys.modules), file=sys.stderr)
"""


def bare(settings, **environment):
    """Resolve where only mlflow-skinny is installed; a name in sys.modules that is None cannot be imported."""
    variables = {
        "TWINPIN_REGISTRY_URI": settings.registry_uri,
        "TWINPIN_ALIAS": settings.alias,
        "TWINPIN_PAIR_DIR": str(settings.pair_dir),
        "TWINPIN_RESOLVE_DEADLINE": "0",
        **environment,
    }
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BARE],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.returncode, json.loads(ran.stdout), ran.stderr.splitlines()[-1]


def test_the_image_needs_no_numpy_and_a_restart_no_mlflow(pairs, settings):
    """Over HTTP the small client is enough; with the pair in place not even that is imported."""
    pairs.pair(alias=settings.alias)
    first, again = bare(settings), bare(settings)

    assert first == (0, again[1], "mlflow")
    assert (again[0], again[2]) == (0, "")


def test_a_database_is_refused_where_no_library_opens_it(settings, tmp_path):
    """The message says what to install, and that HTTP works."""
    code, document, _ = bare(settings, TWINPIN_REGISTRY_URI=f"sqlite:///{tmp_path}/mlflow.db")

    assert code == 3
    assert "install mlflow in full" in document["error"]


def test_a_registry_that_is_down_exits_with_4_in_time(settings):
    """MLflow's own patience of minutes does not outlast the deadline."""
    gone = replace(settings, registry_uri=f"http://127.0.0.1:{free_port()}")
    code, document, complaints = finish(start(gone, "--resolve-deadline", "1"))

    assert code == 4
    assert document["temporary"] is True
    assert "Traceback" not in complaints


class Racing(threading.Thread):
    """A promoter without our care: any order, any pace, and now and then it dies between its two writes."""

    def __init__(self, pairs, alias, made):
        super().__init__()
        self._pairs, self._alias, self._made = pairs, alias, made
        self._dice = random.Random(7)
        self.over = threading.Event()
        self.moves = 0

    def run(self):
        """Move until the race is over."""
        while not self.over.wait(self._dice.uniform(0.0, 0.15)):
            preprocessor, model = self._dice.choice(self._made)
            halves = [(preprocessor, None), (None, model)]
            self._dice.shuffle(halves)
            self._pairs.alias(self._alias, *halves[0])
            self.over.wait(self._dice.choice([0.0, 0.02, 0.1]))
            if self._dice.random() > 0.25:
                self._pairs.alias(self._alias, *halves[1])
            self.moves += 1


@pytest.mark.timeout(400)
def test_no_resolver_of_any_rollout_meets_a_mixed_pair(pairs, settings, tmp_path):
    """Forty starts in ten rollouts, until a careless promoter moved often: whole pairs only, one for each rollout."""
    made = [pairs.pair(alias=settings.alias)[:2] for _ in range(4)]
    racing = Racing(pairs, settings.alias, made)
    racing.start()
    shared = replace(settings, pins_dir=tmp_path / "pins", cache_dir=tmp_path / "cache", resolve_deadline=15.0)

    def pod(number):
        mine = replace(shared, rollout=f"r{number // 40}-{number % 10}", pair_dir=tmp_path / f"pod-{number}")
        try:
            pin = resolve(mine, registry=MlflowRegistry(settings.registry_uri))
        except HalfMoved:
            return None if PairFolder(mine.pair_dir).read() is None else "left something"
        return pin if PairFolder(mine.pair_dir).verified() == pin else "differs"

    got = []
    try:
        with ThreadPoolExecutor(8) as pool:
            for wave in itertools.count():
                got += [pin for pin in pool.map(pod, range(40 * wave, 40 * wave + 40)) if pin is not None]
                if racing.moves > MOVES:
                    break
    finally:
        racing.over.set()
        racing.join()

    assert len(got) >= 20 * (wave + 1)
    assert {(pin.preprocessor.version, pin.model.version) for pin in got} <= set(made)
    assert len({pin.rollout for pin in got}) == len(set(got))
