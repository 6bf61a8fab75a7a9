"""Client: the requests of a user, sent with nothing of Twinpin's."""

import asyncio
import http.client
import json
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from demo_forecast.serving import Address

TIMEOUT_SECONDS = 60.0
HEADER_LENGTH = "Inference-Header-Content-Length"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers in lower case, and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Parse the body."""
        return json.loads(self.body)


def send(address: Address, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
    """Send one request on a connection of its own."""
    connection = http.client.HTTPConnection(address.host, address.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, path, body, headers={"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()


def binary(tensors: dict[str, np.ndarray]) -> tuple[bytes, dict[str, str]]:
    """Write a V2 request of the binary tensor extension: FP64 in, binary out."""
    raw = [np.ascontiguousarray(values, "<f8").tobytes() for values in tensors.values()]
    inputs = [
        {"name": name, "shape": list(values.shape), "datatype": "FP64", "parameters": {"binary_data_size": len(data)}}
        for (name, values), data in zip(tensors.items(), raw, strict=True)
    ]
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    return head + b"".join(raw), {HEADER_LENGTH: str(len(head)), "Content-Type": "application/octet-stream"}


def binary_forecast(answer: Answer) -> np.ndarray:
    """Read the only tensor of a binary answer."""
    length = int(answer.headers[HEADER_LENGTH.lower()])
    (output,) = json.loads(answer.body[:length])["outputs"]
    values = np.frombuffer(answer.body[length:], "<f4", count=output["parameters"]["binary_data_size"] // 4)
    return values.reshape(output["shape"])


def json_forecast(answer: Answer) -> np.ndarray:
    """Read the only tensor of a V2 answer in JSON."""
    (output,) = answer.json()["outputs"]
    return np.array(output["data"], dtype=float).reshape(output["shape"])


def grpc_forecast(address: Address, tensors: dict[str, np.ndarray], **parameters: str) -> tuple[np.ndarray, str]:
    """Ask over gRPC with KServe's own client; gives the forecast and the model version."""
    sys.argv[1:] = []  # kserve reads the command line of whoever imports it
    from kserve import InferenceGRPCClient, InferInput, InferRequest  # noqa: PLC0415 -- see the line above

    async def ask() -> tuple[np.ndarray, str]:
        """Open a channel, ask once, close it."""
        inputs = []
        for name, values in tensors.items():
            datatype = "INT64" if values.dtype.kind == "i" else "FP64"
            inputs.append(InferInput(name, list(values.shape), datatype))
            inputs[-1].set_data_from_numpy(values, binary_data=True)
        client = InferenceGRPCClient(f"{address.host}:{address.grpc_port}")
        request = InferRequest("forecast", inputs, parameters=parameters or None)
        response = await client.infer(request, timeout=TIMEOUT_SECONDS)
        await client.close()
        return response.outputs[0].as_numpy(), response.model_version

    return asyncio.run(ask())
