"""What is unpickled: the pinned preprocessor, while it is loaded. Nothing of a request, whatever it holds.

Python tells of each class or function that it looks up for a pickle (the audit event `pickle.find_class`), and the
processes here write down what they are told.
"""

import base64
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import grpc
import httpx
import numpy as np
import pytest
from small_server import started

from twinpin.step import protocol

#: Imported by Python itself when it starts.
HOOK = """
import os, sys
told = open(os.path.join({folder!r}, str(os.getpid())), "a", buffering=1)
def hook(event, arguments):
    if event == "pickle.find_class":
        told.write(".".join(map(str, arguments)) + "\\n")
sys.addaudithook(hook)
"""
TWINPIN = str(Path(sys.executable).with_name("twinpin"))


class Harm:
    """Who unpickles this makes a file."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        """Tell pickle to call something."""
        return os.mkdir, (str(self.file),)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The folder of what was told, one file for each process, and the environment that has it told."""
    folder = tmp_path_factory.mktemp("told")
    (folder / "sitecustomize.py").write_text(HOOK.format(folder=str(folder)))
    return folder


@pytest.fixture(scope="module")
def hooked(world, told):
    """`twinpin serve` that tells."""
    with started([TWINPIN, "serve", *world.flags("hooked")], PYTHONPATH=str(told)) as running:
        yield running


def looked_up(told, process):
    """What a process looked up for pickles so far."""
    return (told / str(process.pid)).read_text().splitlines()


def binary(content):
    """A body of the protocol whose tensor has raw bytes, with the header that says where they begin."""
    tensor = {"name": "level", "shape": [1, len(content)], "datatype": "UINT8"}
    head = json.dumps({"inputs": [tensor | {"parameters": {"binary_data_size": len(content)}}]})
    return head.encode() + content, {"Inference-Header-Content-Length": str(len(head))}


def requests(content):
    """Every place of a request that takes bytes or text, with the content in it."""
    text = base64.b64encode(content).decode()
    objects = np.array([[content]], dtype=object).dumps()
    tensor = {"name": "level", "shape": [1, 1], "datatype": "BYTES", "data": [text]}
    for body in (content, objects):
        for kind in ("application/json", "application/octet-stream", "application/x-python-pickle"):
            for path in ("/predict", "/predict/feast", "/predict/feast/batch", "/v2/models/forecast/infer"):
                yield path, body, {"Content-Type": kind}
        yield "/v2/models/forecast/infer", *binary(body)
    for path, body in (
        ("/predict", {"data": {"level": [text], "swell": [text]}}),
        ("/predict/feast", {"entities": [text], "entity_key": text}),
        ("/v2/models/forecast/infer", {"inputs": [tensor], "parameters": {"pickle": text}}),
    ):
        yield path, httpx.Request("POST", "http://any", json=body).read(), {}


def test_the_preprocessor_is_unpickled_at_the_start_and_that_is_told(hooked, told):
    """The hook sees what it is there to see."""
    assert any(each.startswith("sklearn.") for each in looked_up(told, hooked.process))


def test_no_request_is_unpickled(world, hooked, told, tmp_path):
    """Whatever it is called and wherever it stands; right requests between them are answered."""
    from served_world import row  # noqa: PLC0415 -- Feast takes four seconds to import

    harm = tmp_path / "harmed"
    before = len(looked_up(told, hooked.process))
    with httpx.Client(base_url=hooked.url, timeout=30) as client:
        for path, body, headers in requests(pickle.dumps(Harm(harm))):
            assert client.post(path, content=body, headers=headers).status_code in (400, 413, 415, 422), (path, headers)
        right = client.post("/predict/feast", json={"entities": 1})

    np.testing.assert_allclose(right.json()["prediction"], world.offline(row(1))[0], atol=1e-5)
    assert looked_up(told, hooked.process)[before:] == []
    assert not harm.exists()


def test_no_message_of_grpc_is_unpickled(hooked, told, tmp_path):
    """Neither as the message nor as a tensor of it."""
    harm = tmp_path / "harmed"
    content = pickle.dumps(Harm(harm))
    before = len(looked_up(told, hooked.process))
    with grpc.insecure_channel(f"127.0.0.1:{hooked.grpc_port}") as channel:
        infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        for message in (content, _message(content)):
            with pytest.raises(grpc.RpcError):
                infer(message, timeout=30)

    assert looked_up(told, hooked.process)[before:] == []
    assert not harm.exists()


def test_whoever_holds_the_token_of_a_cluster_unpickles_nothing(world, told, tmp_path):
    """`twinpin resolve`, the init container: it fetches, hashes and reads what MLmodel declares."""
    from served_world import ALIAS, MODEL, PREPROCESSOR  # noqa: PLC0415

    command = [TWINPIN, "resolve", "--registry-uri", world.registry, "--pair-dir", str(tmp_path / "pair")]
    command += ["--preprocessor-name", PREPROCESSOR, "--model-name", MODEL, "--alias", ALIAS]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(told)}) as process:
        assert process.wait(100) == 0

    assert (tmp_path / "pair" / "pin.json").exists()
    assert looked_up(told, process) == []


def _message(content):
    """A message of the protocol with the content as a raw tensor."""
    message = protocol.ModelInferRequest(model_name="forecast", raw_input_contents=[content])
    message.inputs.add(name="level", datatype="BYTES", shape=[1, 1])
    return message.SerializeToString()
