"""`twinpin serve --follow`: the alias is moved under load, and every answer is wholly one pair's."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import grpc
import httpx
import numpy as np
import pytest
from served_world import ALIAS, COLUMNS, MODEL, PREPROCESSOR, MlflowClient, make_world, register_pair, row

from twinpin.step import protocol
from twinpin.step.step import Message

#: Seconds of one test: each starts servers that import Feast, XGBoost and MLflow, on a machine that may be busy.
pytestmark = pytest.mark.timeout(300)
TWINPIN = str(Path(sys.executable).with_name("twinpin"))


def moves(world, command, *words, code=0):
    """Run a command of the pair to its end."""
    settings = ["--registry-uri", world.registry, "--preprocessor-name", PREPROCESSOR, "--model-name", MODEL]
    done = subprocess.run(
        [TWINPIN, command, *words, *settings, "--alias", ALIAS], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr


@pytest.fixture(scope="module")
def moving(tmp_path_factory):
    """A world of its own, since its alias moves, with a second pair that waits."""
    folder = tmp_path_factory.mktemp("moving")
    world = make_world(folder)
    return world, register_pair(folder / "second", world.registry, seed=7)


class Load:
    """Asks by REST and by gRPC until told to end, and keeps every answer with its stamp."""

    def __init__(self, server):
        self.server = server
        self.answers, self.failures = [], []
        self._end = threading.Event()
        self._threads = [threading.Thread(target=each) for each in (self._columns, self._entities, self._grpc)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, ask):
        while not self._end.is_set():
            try:
                self.answers.append(ask())
            except Exception as error:  # noqa: BLE001 -- whatever went wrong is a lost request
                self.failures.append(error)

    def _columns(self):
        data = {name: row(1)[name].tolist() for name in COLUMNS}
        with httpx.Client() as client:
            self._repeat(lambda: self._rest(client, "/predict", {"data": data}))

    def _entities(self):
        with httpx.Client() as client:
            self._repeat(lambda: self._rest(client, "/predict/feast", {"entities": 1}))

    def _rest(self, client, path, body):
        answer = client.post(self.server.url + path, json=body).raise_for_status().json()
        return answer["pair"]["id"], answer["prediction"]

    def _grpc(self):
        request = protocol.request_proto(Message({name: row(1)[name].to_numpy() for name in COLUMNS}), "forecast")
        with grpc.insecure_channel(f"127.0.0.1:{self.server.grpc_port}") as channel:
            call = channel.unary_unary(
                "/inference.GRPCInferenceService/ModelInfer",
                request_serializer=type(request).SerializeToString,
                response_deserializer=protocol.SealedResponse.FromString,
            )

            def ask():
                answer = protocol.response_message(call(request, timeout=10))
                return answer.parameters["pair"], next(iter(answer.tensors.values()))

            self._repeat(ask)


def pair_of(server):
    """The pair that /health shows."""
    return httpx.get(f"{server.url}/health").json()["pair"]


def until(condition, seconds=60):
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.05)


def test_moves_of_the_alias_lose_and_mix_nothing(moving):
    """There, back (which is loaded still) and there again, under load: each answer equals its own pair's forecast."""
    world, second = moving
    with world.serve("moving", follow_interval=0.2, flags=["--follow"]) as server, Load(server) as load:
        first = pair_of(server)
        until(lambda: load.answers)
        moves(world, "promote", "--run", second.run_id)
        until(lambda: pair_of(server)["model_version"] == second.versions[MODEL])
        moves(world, "rollback")
        until(lambda: pair_of(server) == first)
        moves(world, "promote", "--run", second.run_id)
        until(lambda: pair_of(server)["model_version"] == second.versions[MODEL])
        seen = len(load.answers)
        until(lambda: len(load.answers) > seen + 20)
        last = pair_of(server)
    offline = {first["id"]: world.offline(row(1)), last["id"]: second.offline(row(1))}

    assert load.failures == []
    assert {stamp for stamp, _ in load.answers} == set(offline)
    assert not np.allclose(*offline.values(), atol=0.1)
    for stamp, forecast in load.answers:
        np.testing.assert_allclose(np.ravel(forecast), np.ravel(offline[stamp]), atol=1e-5)


def test_a_half_moved_alias_changes_nothing(moving):
    """The pair before serves until both halves are there."""
    world, second = moving
    moves(world, "promote", "--run", second.run_id)
    with world.serve("halved", follow_interval=0.1, flags=["--follow"]) as server:
        before = pair_of(server)
        client = MlflowClient(tracking_uri=world.registry, registry_uri=world.registry)
        client.set_registered_model_alias(MODEL, ALIAS, "1")
        time.sleep(1.0)  # ten looks; nothing is to happen, so there is nothing to wait for
        during = pair_of(server)
        client.set_registered_model_alias(PREPROCESSOR, ALIAS, "1")
        until(lambda: pair_of(server)["model_version"] == "1")

    assert during == before


def test_a_start_with_the_registry_down_serves_the_pair_that_served_last(moving):
    """Its Pin and its folder are all that it needs; the alias is followed again when the registry is back."""
    world, second = moving
    moves(world, "promote", "--run", second.run_id)
    with world.serve("resumed", follow_interval=0.2, flags=["--follow"]) as server:
        before = pair_of(server)
        server.stop()
    gone = "sqlite:////nowhere/mlflow.db"
    with world.serve("resumed", follow_interval=0.2, flags=["--follow"], registry_uri=gone) as server:
        after = pair_of(server)

    assert after == before


def test_a_pair_that_cannot_be_loaded_leaves_the_one_before(moving):
    """It is refused with its reason, and the next move of the alias is followed as ever."""
    world, second = moving
    moves(world, "promote", "--run", second.run_id)
    third = register_pair(world.folder / "third", world.registry, seed=3, damaged=True)
    fourth = register_pair(world.folder / "fourth", world.registry, seed=4)
    with world.serve("careful", follow_interval=0.2, flags=["--follow"]) as server:
        before = pair_of(server)
        moves(world, "promote", "--run", third.run_id)
        until(lambda: "twinpin_pair_refused 1.0" in httpx.get(f"{server.url}/metrics").text)
        during = pair_of(server)
        moves(world, "promote", "--run", fourth.run_id)
        until(lambda: pair_of(server)["model_version"] == fourth.versions[MODEL])
        until(lambda: "twinpin_pair_refused 0.0" in httpx.get(f"{server.url}/metrics").text)

    assert during == before
