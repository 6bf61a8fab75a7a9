"""tritonclient and kserve's own clients, as their users install them, against a step's server."""

import math

import pytest
from unmodified_clients import probe

MATRIX = [[1.5, -2.25], [0.1, 3e7]]
# 0.1 as FP32, which clients read back as a Python float.
EXPECTED = [[1.5, -2.25], [0.10000000149011612, 3e7]]


def run(server, which):
    """Probe the echo model."""
    return probe(which, server.url, server.target, model="echo", name="x", values=MATRIX)


def test_tritonclient_http(echo_server):
    """JSON and binary in and out, requested outputs, metadata, and errors in words."""
    seen = run(echo_server, "triton_http")

    assert [seen[key] for key in ("live", "ready", "model_ready")] == [True, True, True]
    assert seen["server"]["extensions"] == ["binary_tensor_data"]
    assert seen["model"]["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}]
    for binary in ("False False", "False True", "True False", "True True"):
        assert seen[f"infer {binary}"] == EXPECTED
    assert seen["response"] == {"id": "t-1", "model_name": "echo", "model_version": "7"}
    assert seen["wrong name"] == ["404", "there is no model 'none' here; this server has echo"]
    assert seen["wrong version"][0] == "404"
    assert seen["wrong output"] == ["400", "there is no output 'none'; this model answers with ['x']"]


def test_tritonclient_grpc(echo_server):
    """The same over gRPC, where statuses are codes."""
    seen = run(echo_server, "triton_grpc")

    assert [seen[key] for key in ("live", "ready", "model_ready")] == [True, True, True]
    assert seen["model"]["versions"] == ["7", "p3-m7-abc123"]
    assert seen["infer"] == seen["requested"] == EXPECTED
    assert seen["response"] == "t-1"
    assert seen["wrong name"][0] == "StatusCode.NOT_FOUND"
    assert seen["wrong version"][0] == "StatusCode.NOT_FOUND"
    assert seen["wrong output"][0] == "StatusCode.INVALID_ARGUMENT"


def test_tritonclient_asynchronous(echo_server):
    """Eight at a time over each protocol."""
    seen = run(echo_server, "triton_aio")

    assert seen == {"http": [EXPECTED] * 8, "grpc": [EXPECTED] * 8}


def test_kserve_rest_client(echo_server):
    """JSON and binary, with and without requested outputs."""
    seen = run(echo_server, "kserve_rest")

    assert [seen[key] for key in ("live", "ready", "model_ready")] == [True, True, True]
    for key in ("infer False", "infer True", "requested False", "requested True"):
        assert seen[key] == EXPECTED
    assert seen["id"] == "k-1"
    assert "there is no model 'none' here" in seen["wrong name"]


def test_kserve_grpc_client(echo_server):
    """Typed and raw contents."""
    seen = run(echo_server, "kserve_grpc")

    assert [seen[key] for key in ("live", "ready", "model_ready")] == [True, True, True]
    assert seen["infer"] == [EXPECTED] * 2
    assert (seen["id"], seen["version"]) == ("k-1", "7")
    assert "NOT_FOUND" in seen["wrong name"]


@pytest.mark.parametrize("which", ["triton_http", "kserve_rest"])
def test_nan_goes_through_json_and_binary(echo_server, which):
    """A missing feature is NaN for every client."""
    seen = probe(which, echo_server.url, echo_server.target, model="echo", name="x", values=[[float("nan"), 1.0]])
    answers = [seen[key] for key in seen if key.startswith("infer")]

    assert len(answers) > 1
    for answer in answers:
        assert math.isnan(answer[0][0])
        assert answer[0][1] == 1.0
