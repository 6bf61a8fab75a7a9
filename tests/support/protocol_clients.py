"""Unmodified clients of the protocol in processes of their own: tritonclient's and kserve's messages clash in one.

`python protocol_clients.py CLIENT PORT` asks the gateway over small steps and writes what it got as JSON.
"""

# ruff: noqa: PLC0415 -- each process imports the one client that it is

import asyncio
import json
import subprocess
import sys

import numpy as np

TEMP = np.array([[1.0, 2.0, 3.0]])
LOCATIONS = np.array([3, 1], dtype=np.int64)


def ask(client, port):
    """Run one client; returns its answers by name."""
    command = [sys.executable, "-P", __file__, client, str(port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def _triton(module, address):
    """Ask by tritonclient over http or grpc: the two have one face."""
    client = module.InferenceServerClient(address)

    def tensor(name, values, datatype):
        given = module.InferInput(name, list(values.shape), datatype)
        given.set_data_from_numpy(values)
        return given

    def infer(*inputs, model="forecast", **options):
        return client.infer(model, list(inputs), **options)

    columns, entities = tensor("temp", TEMP, "FP64"), tensor("location_id", LOCATIONS, "INT64")
    by_columns = infer(columns, request_id="a-1", outputs=[module.InferRequestedOutput("forecast")])
    found = {
        "live": client.is_server_live() and client.is_server_ready() and client.is_model_ready("forecast"),
        "columns": by_columns.as_numpy("forecast").tolist(),
        "entities": infer(entities).as_numpy("forecast").tolist(),
        "version": infer(columns, model_version="12").as_numpy("forecast").tolist(),
        "refused": [],
    }
    wrong = (
        {"model": "forecaster"},
        {"model_version": "13"},
        {"outputs": [module.InferRequestedOutput("matrix")]},
    )
    for options in wrong:
        try:
            infer(columns, **options)
        except module.InferenceServerException as error:
            found["refused"].append(str(error.status()))
    client.close()
    return found


def triton_http(port):
    """JSON heads with binary tensors."""
    from tritonclient import http

    found = _triton(http, f"127.0.0.1:{port}")
    client = http.InferenceServerClient(f"127.0.0.1:{port}")
    given = http.InferInput("temp", list(TEMP.shape), "FP64")
    given.set_data_from_numpy(TEMP, binary_data=False)
    answer = client.infer("forecast", [given], outputs=[http.InferRequestedOutput("forecast", binary_data=False)])
    return found | {"json": answer.as_numpy("forecast").tolist(), "parameters": answer.get_response()["parameters"]}


def triton_grpc(port):
    """Raw tensors."""
    from tritonclient import grpc

    found = _triton(grpc, f"127.0.0.1:{port}")
    metadata = grpc.InferenceServerClient(f"127.0.0.1:{port}").get_model_metadata("forecast", as_json=True)
    return found | {"inputs": [each["name"] for each in metadata["inputs"]]}


def _kserve_request():
    """Make one row of columns."""
    from kserve import InferInput, InferRequest

    given = InferInput("temp", list(TEMP.shape), "FP64")
    given.set_data_from_numpy(TEMP, binary_data=False)
    return InferRequest("forecast", [given])


def kserve_rest(port):
    """KServe's own REST client."""
    from kserve import InferenceRESTClient
    from kserve.inference_client import RESTConfig

    async def run():
        """Ask."""
        client = InferenceRESTClient(RESTConfig(protocol="v2"))
        url = f"http://127.0.0.1:{port}"
        answer = await client.infer(url, _kserve_request(), model_name="forecast")
        ready = await client.is_model_ready(url, "forecast")
        return {"columns": answer.outputs[0].as_numpy().tolist(), "version": answer.model_version, "ready": ready}

    return asyncio.run(run())


def kserve_grpc(port):
    """KServe's own gRPC client."""
    from kserve import InferenceGRPCClient

    async def run():
        """Ask."""
        client = InferenceGRPCClient(f"127.0.0.1:{port}")
        answer = await client.infer(_kserve_request())
        ready = await client.is_model_ready("forecast")
        await client.close()
        return {"columns": answer.outputs[0].as_numpy().tolist(), "version": answer.model_version, "ready": ready}

    return asyncio.run(run())


CLIENTS = {each.__name__: each for each in (triton_http, triton_grpc, kserve_rest, kserve_grpc)}

if __name__ == "__main__":
    name, given_port = sys.argv[1:]
    sys.argv[1:] = []  # kserve reads the command line of whoever imports it
    sys.stdout.write(json.dumps(CLIENTS[name](given_port)) + "\n")
