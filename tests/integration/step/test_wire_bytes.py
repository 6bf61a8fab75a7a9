"""Our messages against those of kserve and tritonclient: one package, three makers, the same bytes."""

import json
import subprocess
import sys

import pytest

from twinpin.step import protocol

# Prints every field that a module's messages of package inference have, as {message: {field: [number, type]}}.
LISTING = """
import importlib, json, sys
name, sys.argv[1:] = sys.argv[1], []
module = importlib.import_module(name)
def fields(message):
    return {field.name: [field.number, field.type] for field in message.fields}
found = {}
def walk(message):
    found[message.full_name] = fields(message)
    for nested in message.nested_types:
        walk(nested)
for message in module.DESCRIPTOR.message_types_by_name.values():
    walk(message)
print(json.dumps(found))
"""
# Reads a request and a response that we wrote, and writes both again.
REWRITE = """
import importlib, sys
name, sys.argv[1:] = sys.argv[1], []
module = importlib.import_module(name)
data = sys.stdin.buffer.read()
size = int.from_bytes(data[:4], "big")
request = module.ModelInferRequest.FromString(data[4:4 + size])
response = module.ModelInferResponse.FromString(data[4 + size:])
assert request.inputs[0].name == "x" and request.inputs[0].shape == [1, 2]
assert request.parameters["text"].string_param == "s" and request.parameters["flag"].bool_param
assert request.parameters["count"].int64_param == -3
assert response.outputs[0].contents.fp32_contents == [1.5, 2.0]
sys.stdout.buffer.write(request.SerializeToString(deterministic=True))
sys.stdout.buffer.write(response.SerializeToString(deterministic=True))
"""
MODULES = ["kserve.protocol.grpc.grpc_predict_v2_pb2", "tritonclient.grpc.service_pb2"]
# The six calls of the protocol; tritonclient and kserve have more, of repositories and the like.
OURS = [
    name
    for name in vars(protocol)
    if name.endswith(("Request", "Response"))
    and isinstance(getattr(protocol, name), type)
    and not name.startswith("Sealed")
]


def python(code, *arguments, data=b""):
    """Run code in a process of its own."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, input=data, capture_output=True, check=True, timeout=90).stdout


def listed(message):
    """Our messages in the same form."""
    found = {message.full_name: {field.name: [field.number, field.type] for field in message.fields}}
    for nested in message.nested_types:
        found |= listed(nested)
    return found


@pytest.mark.parametrize("module", MODULES)
def test_fields_have_the_published_numbers_and_types(module):
    """Every field that both know is the same; ours lacks none of theirs."""
    theirs = json.loads(python(LISTING, module))
    ours = {}
    for name in OURS:
        ours |= listed(getattr(protocol, name).DESCRIPTOR)
    ours |= listed(protocol.ModelInferRequest.DESCRIPTOR.file.message_types_by_name["InferParameter"])
    ours |= listed(protocol.ModelInferRequest.DESCRIPTOR.file.message_types_by_name["InferTensorContents"])

    assert len(ours) > 20
    # Their copies of the protocol are older: no properties of a model, and kserve's no double and no uint64 parameter.
    assert set(ours) - set(theirs) == {"inference.ModelMetadataResponse.PropertiesEntry"}
    for message in set(ours) & set(theirs):
        assert theirs[message].items() <= ours[message].items()
        assert set(ours[message]) - set(theirs[message]) <= {"double_param", "uint64_param", "properties"}


@pytest.mark.parametrize("module", MODULES)
def test_bytes_are_the_same(module):
    """What we write, they read and write again byte by byte."""
    request = protocol.ModelInferRequest(model_name="m", model_version="7", id="i")
    request.parameters["text"].string_param = "s"
    request.parameters["flag"].bool_param = True
    request.parameters["count"].int64_param = -3
    request.inputs.add(name="x", datatype="FP32", shape=[1, 2])
    request.outputs.add(name="y")
    request.raw_input_contents.append(b"12345678")
    response = protocol.ModelInferResponse(model_name="m", model_version="7", id="i")
    output = response.outputs.add(name="y", datatype="FP32", shape=[2])
    output.contents.fp32_contents.extend([1.5, 2.0])
    written = [each.SerializeToString(deterministic=True) for each in (request, response)]

    read = python(REWRITE, module, data=len(written[0]).to_bytes(4, "big") + b"".join(written))

    assert read == b"".join(written)


def test_ours_lives_beside_either():
    """Nothing of ours is in protobuf's default pool, so either library can be imported after it."""
    code = "import importlib, sys, twinpin.step.protocol\nname, sys.argv[1:] = sys.argv[1], []\n"
    code += "importlib.import_module(name)"

    for module in MODULES:
        python(code, module)
