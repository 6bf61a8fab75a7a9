"""OpenAPI: the protocol's REST paths, described from the models that serve them; and the parts of any description."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import orjson
from starlette.routing import Route

from twinpin.step import protocol_schemas
from twinpin.step.exchange import Endpoint, Exchange, Reply
from twinpin.step.served import Served
from twinpin.version import __version__

Part: TypeAlias = dict[str, Any]

ERRORS = {
    400: "The body is not what the schema says.",
    404: "No such model, version or feature store here.",
    409: "A step got a message of another pair's preprocessor; a defect of the deployment.",
    413: "More bytes, rows or entities than the limits allow.",
    422: "Well-formed, but no answer exists for it: an unknown or stale entity, a time that is not stored.",
    429: "As many requests are being answered as the server takes; try again.",
    500: "A defect of the server or of the artifact; its log names the cause.",
    503: "A store or a step is down; try again.",
    504: "The time allowed for the request is over.",
}
_BINARY: Part = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_RETRY: Part = {"retry-after": {"schema": {"type": "integer"}, "description": "Seconds."}}
#: Header of any request that is computed for.
TIMEOUT: Part = {
    "name": "x-request-timeout",
    "in": "header",
    "schema": {"type": "number", "exclusiveMinimum": 0},
    "description": "Seconds that the client waits for the answer.",
}
_INFER_PARAMETERS: tuple[Part, ...] = (
    {
        "name": "Inference-Header-Content-Length",
        "in": "header",
        "schema": {"type": "integer", "minimum": 0},
        "description": "Bytes of the JSON that comes before binary data; without it all of the body is JSON.",
    },
    TIMEOUT,
    {
        "name": "answer",
        "in": "query",
        "schema": {"enum": ["request", "raw", "response"]},
        "description": "request: answer with the next step's request (`inputs`) in place of a response; raw: the same, "
        "with the numbers as bytes behind the JSON and a NUL.",
    },
)


def document(models: Sequence[Served]) -> Part:
    """Return the OpenAPI 3.1 document of a server of *models* alone."""
    own = {"/openapi.json": {"get": read("This document")}}
    paths = {**protocol(models), **reading("/metrics", "Metrics in the format that Prometheus asks for"), **own}
    return described("A step of a forecast over the Open Inference Protocol.", paths, protocol_schemas.schemas())


def described(description: str, paths: Part, schemas: Part) -> Part:
    """Put a document together."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Twinpin",
            "version": __version__,
            "description": description,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": schemas},
    }


def route(models: Sequence[Served]) -> Route:
    """Return the route of that document, which is written anew each time: a model may learn its versions late."""

    async def describe(_exchange: Exchange) -> Reply:
        """Write the document."""
        return Reply(orjson.dumps(document(models)))

    return Route("/openapi.json", Endpoint("/openapi.json", describe))


def protocol(models: Sequence[Served], headers: Part | None = None) -> Part:
    """Describe the protocol's paths for *models*; *headers*: those that every answer of an inference has besides."""
    server = {"get": read("Server metadata", "ServerMetadata")}
    paths: Part = {
        "/v2": server,
        "/v2/": server,
        "/v2/health/live": {"get": read("Whether the server runs", "ServerLive")},
        "/v2/health/ready": {"get": read("Whether all can be served", "ServerReady", also=errors(503))},
        "/v2/models": {"get": read("The models served", "ModelList")},
    }
    for tail in ("", "/versions/{version}"):
        paths |= _model(f"/v2/models/{{model}}{tail}", _path_parameters(models, versioned=bool(tail)), headers or {})
    return paths


def _model(path: str, parameters: list[Part], headers: Part) -> Part:
    """The three paths of one model."""
    ready = read("Whether it can serve", "ModelReady", also=errors(404, 503))
    return {
        path: {"parameters": parameters, "get": read("Model metadata", "ModelMetadata", also=errors(404))},
        f"{path}/ready": {"parameters": parameters, "get": ready},
        f"{path}/infer": {"parameters": parameters, "post": _infer(headers)},
    }


def _infer(headers: Part) -> Part:
    """The inference: JSON, or JSON before the bytes of the tensors that name their `binary_data_size`."""
    infer = ask("Infer by the protocol", "InferRequest", "InferResponse", "InferRequest", headers=headers)
    infer["parameters"] = list(_INFER_PARAMETERS)
    infer["requestBody"]["content"] |= _BINARY
    infer["responses"]["200"]["content"] |= _BINARY
    return infer


def _path_parameters(models: Sequence[Served], *, versioned: bool) -> list[Part]:
    """Describe the variable parts of a model's path."""
    names = [model.name for model in models]
    model = {"name": "model", "in": "path", "required": True, "schema": {"type": "string", "enum": names}}
    if not versioned:
        return [model]
    versions = list(dict.fromkeys(version for each in models for version in each.versions))
    version: Part = {"name": "version", "in": "path", "required": True, "schema": {"type": "string"}}
    version["schema"] |= {"enum": versions} if versions else {}
    version["description"] = "The model's version, or the pair's id."
    return [model, version]


def ask(summary: str, request: str, *answers: str, headers: Part | None = None) -> Part:
    """A POST with a body of the schema *request*, answered in one of the schemas *answers*."""
    references = [reference(each) for each in answers]
    schema = references[0] if len(references) == 1 else {"anyOf": references}
    answer: Part = {"description": "The answer.", "content": json_of(schema)} | (
        {"headers": headers} if headers else {}
    )
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": json_of(reference(request))},
        "responses": {"200": answer, **errors(*ERRORS)},
    }


def read(summary: str, schema: str | None = None, *, also: Part | None = None) -> Part:
    """A GET that answers JSON."""
    content = json_of({"type": "object"} if schema is None else reference(schema))
    return {
        "summary": summary,
        "responses": {"200": {"description": summary + ".", "content": content}, **(also or {})},
    }


def reading(path: str, summary: str, media_type: str = "text/plain") -> Part:
    """Describe a path whose GET answers text."""
    content = {media_type: {"schema": {"type": "string"}}}
    return {
        path: {"get": {"summary": summary, "responses": {"200": {"description": f"{summary}.", "content": content}}}}
    }


def errors(*statuses: int) -> Part:
    """Describe the errors of some statuses."""
    return {str(status): _error(status) for status in statuses}


def _error(status: int) -> Part:
    """Describe the error of one status."""
    answer = content(ERRORS[status], "Missing" if status == 422 else "Error")  # noqa: PLR2004 -- names the entities
    return answer | ({"headers": _RETRY} if status in {429, 503} else {})


def content(description: str, schema: str) -> Part:
    """Describe an answer of one schema."""
    return {"description": description, "content": json_of(reference(schema))}


def json_of(schema: Part) -> Part:
    """Describe a JSON body."""
    return {"application/json": {"schema": schema}}


def reference(name: str) -> Part:
    """Point to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}
