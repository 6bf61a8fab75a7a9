"""Unmodified clients of others, each in a process of its own: kserve and tritonclient register one protobuf package.

Usage: client_probe.py WHICH REST_URL GRPC_TARGET MODEL INPUT VALUES; prints one JSON object of what the client saw.
VALUES is a JSON matrix that goes in as FP32 under the name INPUT.
"""

import asyncio
import json
import sys

import numpy as np


def told(error):
    """What a client's exception tells its user."""
    return str(error)


def triton_http(rest, _grpc, model, name, matrix):
    """Drive tritonclient.http."""
    import tritonclient.http as triton  # noqa: PLC0415 -- one client per process
    from tritonclient.utils import InferenceServerException  # noqa: PLC0415

    client = triton.InferenceServerClient(rest.removeprefix("http://"))
    seen = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model_ready": client.is_model_ready(model),
        "server": client.get_server_metadata(),
        "model": client.get_model_metadata(model),
    }
    for binary_in in (False, True):
        for binary_out in (False, True):
            given = triton.InferInput(name, list(matrix.shape), "FP32")
            given.set_data_from_numpy(matrix, binary_data=binary_in)
            answer = client.infer(model, [given], request_id="t-1")
            first = answer.get_response()["outputs"][0]["name"]
            wanted = [triton.InferRequestedOutput(first, binary_data=binary_out)]
            answer = client.infer(model, [given], outputs=wanted, request_id="t-1")
            seen[f"infer {binary_in} {binary_out}"] = answer.as_numpy(first).tolist()
            seen["response"] = {key: answer.get_response().get(key) for key in ("id", "model_name", "model_version")}
    attempts = {
        "wrong name": lambda: client.infer("none", [given]),
        "wrong version": lambda: client.infer(model, [given], model_version="999"),
        "wrong output": lambda: client.infer(model, [given], outputs=[triton.InferRequestedOutput("none")]),
    }
    for attempt, call in attempts.items():
        try:
            call()
        except InferenceServerException as error:
            seen[attempt] = [error.status(), error.message()]
    return seen


def triton_grpc(_rest, target, model, name, matrix):
    """Drive tritonclient.grpc."""
    import tritonclient.grpc as triton  # noqa: PLC0415
    from tritonclient.utils import InferenceServerException  # noqa: PLC0415

    client = triton.InferenceServerClient(target)
    given = triton.InferInput(name, list(matrix.shape), "FP32")
    given.set_data_from_numpy(matrix)
    answer = client.infer(model, [given], request_id="t-1", parameters={"note": "a", "count": 3})
    first = answer.get_response().outputs[0].name
    wanted = client.infer(model, [given], outputs=[triton.InferRequestedOutput(first)])
    seen = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model_ready": client.is_model_ready(model),
        "server": client.get_server_metadata(as_json=True),
        "model": client.get_model_metadata(model, as_json=True),
        "infer": answer.as_numpy(first).tolist(),
        "requested": wanted.as_numpy(first).tolist(),
        "response": answer.get_response(as_json=True)["id"],
    }
    attempts = {
        "wrong name": lambda: client.infer("none", [given]),
        "wrong version": lambda: client.infer(model, [given], model_version="999"),
        "wrong output": lambda: client.infer(model, [given], outputs=[triton.InferRequestedOutput("none")]),
    }
    for attempt, call in attempts.items():
        try:
            call()
        except InferenceServerException as error:
            seen[attempt] = [error.status(), error.message()]
    return seen


def triton_aio(rest, target, model, name, matrix):
    """Drive both asynchronous clients of tritonclient."""
    import tritonclient.grpc.aio as triton_grpc_aio  # noqa: PLC0415
    import tritonclient.http.aio as triton_http_aio  # noqa: PLC0415

    async def run():
        seen = {}
        clients = {"http": (triton_http_aio, rest.removeprefix("http://")), "grpc": (triton_grpc_aio, target)}
        for key, (triton, place) in clients.items():
            async with triton.InferenceServerClient(place) as client:
                given = triton.InferInput(name, list(matrix.shape), "FP32")
                given.set_data_from_numpy(matrix)
                answers = await asyncio.gather(*(client.infer(model, [given]) for _ in range(8)))
                response = answers[0].get_response()
                first = response["outputs"][0]["name"] if key == "http" else response.outputs[0].name
                seen[key] = [answer.as_numpy(first).tolist() for answer in answers]
        return seen

    return asyncio.run(run())


def kserve_rest(rest, _grpc, model, name, matrix):
    """Drive kserve's InferenceRESTClient."""
    sys.argv[1:] = []
    from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig  # noqa: PLC0415
    from kserve.protocol.infer_type import RequestedOutput  # noqa: PLC0415

    def request(binary, outputs=None):
        given = InferInput(name, list(matrix.shape), "FP32")
        given.set_data_from_numpy(matrix, binary_data=binary)
        options = {"request_outputs": outputs} if outputs else {}
        return InferRequest(model, [given], request_id="k-1", **options)

    async def run():
        client = InferenceRESTClient(RESTConfig(protocol="v2", timeout=30))
        seen = {
            "live": await client.is_server_live(rest),
            "ready": await client.is_server_ready(rest),
            "model_ready": await client.is_model_ready(rest, model),
        }
        for binary in (False, True):
            answer = await client.infer(rest, request(binary), model_name=model)
            first = answer.outputs[0].name
            wanted = RequestedOutput(first, parameters={"binary_data": binary})
            chosen = await client.infer(rest, request(binary, [wanted]), model_name=model)
            seen[f"infer {binary}"] = answer.outputs[0].as_numpy().tolist()
            seen[f"requested {binary}"] = chosen.outputs[0].as_numpy().tolist()
            seen["id"] = answer.id
        try:
            await client.infer(rest, request(False), model_name="none")
        except Exception as error:  # noqa: BLE001 -- whatever it raises is what its user sees
            seen["wrong name"] = told(error)
        await client.close()
        return seen

    return asyncio.run(run())


def kserve_grpc(_rest, target, model, name, matrix):
    """Drive kserve's InferenceGRPCClient."""
    sys.argv[1:] = []
    from kserve import InferenceGRPCClient, InferInput, InferRequest  # noqa: PLC0415

    def request(name_of_model, *, raw):
        given = InferInput(name, list(matrix.shape), "FP32")
        if raw:
            given.set_data_from_numpy(matrix, binary_data=True)
        else:
            given.data = matrix.ravel().tolist()
        return InferRequest(name_of_model, [given], request_id="k-1", parameters={"note": "a"})

    async def run():
        client = InferenceGRPCClient(target, timeout=30)
        answers = [await client.infer(request(model, raw=raw)) for raw in (False, True)]
        seen = {
            "live": await client.is_server_live(),
            "ready": await client.is_server_ready(),
            "model_ready": await client.is_model_ready(model),
            "infer": [answer.outputs[0].as_numpy().tolist() for answer in answers],
            "id": answers[0].id,
            "version": answers[0].model_version,
        }
        try:
            await client.infer(request("none", raw=True))
        except Exception as error:  # noqa: BLE001 -- whatever it raises is what its user sees
            seen["wrong name"] = told(error)
        await client.close()
        return seen

    return asyncio.run(run())


PROBES = {each.__name__: each for each in (triton_http, triton_grpc, triton_aio, kserve_rest, kserve_grpc)}


def main(which, rest, target, model, name, values):  # noqa: PLR0917 -- a command line
    """Run one probe."""
    matrix = np.array(json.loads(values), dtype=np.float32)
    print(json.dumps(PROBES[which](rest, target, model, name, matrix)))  # noqa: T201 -- read by the test


if __name__ == "__main__":
    main(*sys.argv[1:])
