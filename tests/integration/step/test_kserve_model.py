"""The step as the SDK's own code sees it: a kserve.Model that answers the SDK's types."""

import json
import subprocess
import sys
from pathlib import Path

import echo_step

CODE = """
import asyncio, json, sys
sys.argv[1:] = ["--http_port", "not a number", "--workers", "3"]
from twinpin.step.server import KServeModel
assert sys.argv[1:] == ["--http_port", "not a number", "--workers", "3"]
import kserve, numpy as np
from kserve.errors import InferenceError, InvalidInput
from echo_step import EchoStep
from twinpin.step.runner import StepModel

step = EchoStep()
model = KServeModel(StepModel(step))
def request(**parameters):
    given = kserve.InferInput("x", [1, 2], "FP32")
    given.set_data_from_numpy(np.array([[1.5, 2]], np.float32), binary_data=True)
    return kserve.InferRequest("echo", [given], request_id="r", parameters=parameters)
async def refused(payload):
    try:
        await model.predict(payload)
    except (InvalidInput, InferenceError) as error:
        return [type(error).__name__, str(error)]
async def main():
    answer, _ = await model(request(mode="echo"))
    return {
        "is a model": isinstance(model, kserve.Model),
        "ready": [model.ready, await model.healthy(), model.load()],
        "loads": step.loads,
        "types": [model.get_input_types(), model.get_output_types()],
        "answer": [answer.id, answer.model_version, answer.outputs[0].as_numpy().tolist()],
        "client's fault": await refused(request(mode="impossible")),
        "our fault": await refused(request(mode="bug")),
        "V1": await refused({"instances": [[1]]}),
    }
print(json.dumps(asyncio.run(main())))
"""


def test_the_sdk_can_call_it():
    """The import leaves the command line as it was, whatever stands there; errors become the SDK's own."""
    environment = {"PYTHONPATH": str(Path(echo_step.__file__).parent), "PATH": ""}
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, env=environment, check=False)

    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    spec = [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}]
    assert seen["is a model"]
    assert (seen["ready"], seen["loads"]) == ([True] * 3, 0)
    assert seen["types"] == [spec, spec]
    assert seen["answer"] == ["r", "7", [[1.5, 2.0]]]
    assert seen["client's fault"] == ["InvalidInput", "there is no forecast for this; ask for another"]
    assert seen["our fault"][0] == "InferenceError"
    assert seen["V1"][0] == "InvalidInput"
